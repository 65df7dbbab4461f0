#!/usr/bin/env python3
"""Writes the boards, and the chart's copies of boards and rules. `--check` writes nothing and says what differs.

It needs the packages of requirements.txt; `dashboards/check` installs them into target/dashboards-venv.
"""

import json
import sys
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from boards import ALL

HERE = Path(__file__).parent
CHART = HERE.parent / "charts" / "postern" / "files"
RULES = HERE / "rules" / "postern.rules.yaml"


def documents():
    """What has to be in which file."""
    for name, board in ALL.items():
        text = as_json(board())
        yield HERE / f"{name}.json", text
        yield CHART / "dashboards" / f"{name}.json", text
    yield CHART / "rules" / RULES.name, RULES.read_text()


def as_json(board):
    # Grafana gives an id of its own to what it imports.
    document = {"id": None} | json.loads(json.dumps(board.build(), cls=JSONEncoder))
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def main(arguments):
    if arguments not in ([], ["--check"]):
        sys.exit(__doc__)
    wrong = [path for path, text in documents() if not path.exists() or path.read_text() != text]
    wrong += [path for folder in ("dashboards", "rules") for path in (CHART / folder).glob("*") if path not in dict(documents())]
    if arguments:
        for path in wrong:
            print(f"{path.relative_to(HERE.parent)} is not what generate.py makes", file=sys.stderr)
        sys.exit(1 if wrong else 0)
    for path, text in documents():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    main(sys.argv[1:])
