"""What the proof says: one line for what was shown, and for a failure what was expected and what was found."""
import time

BEGAN = time.monotonic()


class Failure(Exception):
    """Something is not as it has to be. The text says what was expected and what was found."""


def say(mark, text):
    print(f"{time.monotonic() - BEGAN:7.1f} s  {mark:5} {text}", flush=True)


def chapter(title):
    print(f"\n=== {title}", flush=True)


def shown(text):
    say("ok", text)


def skipped(text):
    say("skip", text)


def doing(text):
    say("...", text)


def expect(what, found, expected):
    if found != expected:
        raise Failure(f"{what}: expected {expected!r}, found {found!r}")
