#!/usr/bin/env python3
"""That docs/ says what is so: every command is run, what it prints is what the page shows, and tables are the program's."""
import sys

sys.dont_write_bytecode = True

import argparse
import time

from book import cluster, laptop, rules, selfcheck
from book.pages import pages
from book.script import Failed

BEGAN = time.monotonic()


def told(page, blocks):
    print(f"{time.monotonic() - BEGAN:7.1f} s  ok    docs/{page.name}: {len(blocks)} blocks", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", nargs="?", choices=["check", "laptop", "cluster"], default="laptop")
    part = parser.parse_args().part
    book = pages()
    selfcheck.hold()
    if broken := list(rules.broken(book)):
        sys.exit("\n".join(broken))
    print("every command of docs/ is run or has a reason; links and tables are right", flush=True)
    try:
        if part != "check":
            {"laptop": laptop, "cluster": cluster}[part].run(book, told)
    except Failed as failed:
        sys.exit(f"\nFAILED: {failed}")
    print("all of it as the pages say")


if __name__ == "__main__":
    main()
