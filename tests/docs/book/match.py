"""Whether what a command printed is what the page shows: each line of it is a whole line of the output, in this order, and `...`
stands for anything.
`match.py EXPECTED ACTUAL` compares two files, and prints the first line that is missing."""
import pathlib
import re
import sys


def missing(expected, actual):
    """The first line that was not printed, or None."""
    lines = [" ".join(line.split()) for line in actual.splitlines()]
    for wanted in expected.splitlines():
        words = " ".join(wanted.split())
        if not words.strip(". "):
            continue
        pattern = re.compile(r".*?".join(re.escape(part.strip()) for part in words.split("...")))
        place = next((place for place, line in enumerate(lines) if pattern.fullmatch(line)), None)
        if place is None:
            return wanted
        lines = lines[place + 1:]
    return None


if __name__ == "__main__":
    line = missing(*(pathlib.Path(path).read_text() for path in sys.argv[1:3]))
    if line is not None:
        sys.exit(f"not printed, or not in this order: {line}")
