"""That the proof itself finds what it looks for: pages that are wrong in one way each, and how that is told."""
import pathlib
import tempfile
import unittest

from . import rules, script
from .match import missing
from .pages import DOCS, Page


def page(text, name="install.md"):
    return Page(DOCS / name, text)


class Matching(unittest.TestCase):
    def test_lines_occur_in_their_order(self):
        for expected, printed, first in [
            ("a\nc\n", "a\nb\nc\n", None),
            ("c\na\n", "a\nb\nc\n", "a"),
            ("a   ...  d", "  a b c d", None),
            ("... b ...", "a b c", None),
            ("b c", "a b c", "b c"),
            ("a b", "a b c", "a b"),
            ("a ... d", "a b c", "a ... d"),
            ("...", "", None),
        ]:
            self.assertEqual(missing(expected, printed), first, (expected, printed))


class Running(unittest.TestCase):
    def run_page(self, text):
        with tempfile.TemporaryDirectory() as folder:
            of = page(text)
            script.run(of, [block for block in of.blocks if block.language == "sh"], folder, pathlib.Path(folder), patience=1)

    def test_what_holds(self):
        self.run_page("```sh\nX=3; echo a b\n```\n\n```text\na ...\n```\n\n```sh until\necho $X\n```\n\n```text\n3\n```\n")
        self.run_page("```sh exit=3\nexit 3\n```\n```sh serves\nbash -c 'echo b; exec sleep 60'\n```\n\n```text\nb\n```\n")

    def test_what_does_not_hold(self):
        for text in [
            "```sh\necho a\n```\n\n```text\nb\n```\n",
            "```sh\nfalse | cat\necho never\n```\n",
            "```sh exit=3\nexit 4\n```\n",
            "```sh until\necho a\n```\n\n```text\nb\n```\n",
            "```sh serves\nsleep 60\n```\n\n```text\nb\n```\n",
        ]:
            with self.subTest(text), self.assertRaises(script.Failed):
                self.run_page(text)


class Hiding(unittest.TestCase):
    def test_a_command_that_is_not_run_is_found_wherever_it_is(self):
        for text in ["    kubectl get pods\n", "```text\nhelm list\n```\n", "1. curl localhost\n", "```\n$ postern demo\n```\n"]:
            self.assertTrue(any("a command that is not run" in line for line in rules.hidden([page(text)])), text)
        for text in ["See `kubectl get pods`.\n", "```sh\nkubectl get pods\n```\n", "Postern and curl lines\n"]:
            self.assertFalse(any("a command that is not run" in line for line in rules.hidden([page(text)])), text)


def hold():
    suite = unittest.defaultTestLoader.loadTestsFromModule(__import__(__name__, fromlist=["_"]))
    if not unittest.TextTestRunner(verbosity=0).run(suite).wasSuccessful():
        raise SystemExit("the proof of docs/ is wrong itself")
