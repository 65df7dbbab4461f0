"""The closed sets of words, as words.yaml has them, for tables that say what to do."""

from functools import cache
from pathlib import Path

import yaml

from .panel import words

PAGE = Path(__file__).parent.parent / "words.yaml"


@cache
def page():
    return yaml.safe_load(PAGE.read_text())


def remedies():
    """What mends each result of a handshake, and each reason of a 5xx."""
    both = page()["results"] | page()["reasons"]
    return [words({word: text["remedy"] for word, text in both.items()})]
