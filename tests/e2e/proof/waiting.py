"""Waiting for something to become true, or seeing that it stays true. Every wait has a deadline and says what it saw last."""
import time

from .report import Failure


def eventually(what, probe, seconds=60, every=0.2):
    """The first truthy answer of `probe`. A probe that fails is asked again, and its failure is told when the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            answer = probe()
            if answer:
                return answer
            last = repr(answer)
        except (Failure, OSError) as failure:
            last = str(failure)
        if time.monotonic() >= deadline:
            raise Failure(f"expected within {seconds:g} s: {what}; found last: {last}")
        time.sleep(every)


def throughout(what, probe, seconds, every=0.5):
    """Fails as soon as `probe` is not truthy, and otherwise returns when the time is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = probe()
        if not answer:
            raise Failure(f"expected for {seconds:g} s: {what}; found {answer!r}")
        time.sleep(every)
