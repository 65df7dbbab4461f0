"""words.yaml says what the program says, and the runbooks say what words.yaml says."""

import re
import unittest
from pathlib import Path

from boards.wording import page

ROOT = Path(__file__).parent.parent.parent
OUTCOME = (ROOT / "actors" / "src" / "outcome.rs").read_text()


def implementation(name, function):
    """A function of an enum's own implementation."""
    start = OUTCOME.index(f"impl {name} {{")
    end = OUTCOME.index("\n}\n", start)
    body = OUTCOME[start : end + 1]
    found = body.find(f"fn {function}(self)")
    return "" if found < 0 else body[found : body.index("\n    }\n", found)]


def arms(name, function):
    return dict(re.findall(r'Self::(\w+) =>\s*\{?\s*"([^"]*)"', implementation(name, function)))


class Words(unittest.TestCase):
    def test_results_are_those_of_the_program_with_its_sentences(self):
        words = arms("HandshakeResult", "as_str")
        self.assertEqual(list(page()["results"]), [word for word in words.values() if word != "ok"])
        for function in ("meaning", "remedy"):
            for variant, sentence in arms("HandshakeResult", function).items():
                if words[variant] != "ok":
                    with self.subTest(words[variant]):
                        self.assertEqual(page()["results"][words[variant]][function], sentence)

    def test_reasons_are_words_of_the_program(self):
        self.assertLessEqual(set(page()["reasons"]), set(arms("Reason", "as_str").values()))

    def test_the_metrics_page_lists_every_reason(self):
        text = (ROOT / "docs" / "metrics.md").read_text()
        for word in arms("Reason", "as_str").values():
            self.assertIn(f"`{word}`", text)

    def test_the_runbooks_have_them_all(self):
        for alert, words in (("PosternBackendTLSFailures", page()["results"]), ("PosternHigh5xxRatio", page()["reasons"])):
            text = (ROOT / "docs" / "runbooks" / f"{alert}.md").read_text()
            rows = re.findall(r"(?m)^\| `(\w+)` \| (.+) \| (.+) \|$", text)
            self.assertEqual(rows, [(word, say["meaning"], say["remedy"]) for word, say in words.items()])


if __name__ == "__main__":
    unittest.main()
