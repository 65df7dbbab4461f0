"""The blocks of a page as one bash script, and its run. It must not know what is installed.

A block `sh` is sourced: what it sets is there for those that follow, as it would be in a terminal. The words after `sh` say more:
`until`, it is repeated until it ends well and prints what the page shows; `serves`, it runs beside those that follow, until the
next one that serves; `exit=N`, it ends with N."""
import os
import pathlib
import subprocess
import sys

PATIENCE = 60
MATCH = pathlib.Path(__file__).with_name("match.py")
PROLOGUE = f"""set -aeuo pipefail
served=
finish() {{ [ -z "$served" ] || {{ kill "$served" 2>/dev/null || true; wait "$served" 2>/dev/null || true; served=; }}; }}
end() {{ local left; left=$(jobs -p); [ -z "$left" ] || kill $left 2>/dev/null || true; wait; }}
trap end EXIT
trap 'exit 130' INT TERM
begin() {{ echo "$1" >"$STATE/current"; exec >"$STATE/problem" 2>&1; }}
matches() {{ [ ! -e "$STATE/$1.expected" ] || {sys.executable} {MATCH} "$STATE/$1.expected" "$STATE/$1.out"; }}
ends() {{
    local code=0
    bash -euo pipefail "$STATE/$1.sh" >"$STATE/$1.out" 2>&1 || code=$?
    [ "$code" -eq "$2" ] || {{ echo "the exit code is $code, not $2"; return 1; }}
    matches "$1"
}}
until_so() {{
    local deadline=$((SECONDS + PATIENCE))
    until "$@" >"$STATE/problem" 2>&1; do [ "$SECONDS" -lt "$deadline" ] || return 1; sleep 0.2; done
}}
"""


def lines_of(number, block):
    words = dict(word.partition("=")[::2] for word in block.words[1:])
    code = words.get("exit", "0")
    if "until" in words:
        does = f"until_so ends {number} {code}"
    elif "serves" in words:
        does = (f'finish\nbash -euo pipefail "$STATE/{number}.sh" >"$STATE/{number}.out" 2>&1 & served=$!\n'
                f"until_so matches {number}")
    elif code != "0":
        does = f"ends {number} {code}"
    else:
        does = (f'exec >"$STATE/{number}.out" 2>&1\n. "$STATE/{number}.sh"\n'
                f'exec >"$STATE/problem" 2>&1\nmatches {number}')
    return f"begin {number}\n{does}\n"


class Failed(Exception):
    """A block did not do what the page says."""


def run(page, blocks, folder, state, substitute=lambda text: text, wrapper=(), environment=None, patience=PATIENCE):
    """Runs the blocks of a page in the folder; `state` is an empty folder for what is kept of them."""
    script = [PROLOGUE]
    for number, block in enumerate(blocks):
        text = substitute(block.text)
        if "serves" in block.words:
            text = f"exec {text}"
        (state / f"{number}.sh").write_text(text)
        if expected := page.expected(block):
            (state / f"{number}.expected").write_text(substitute(expected))
        script.append(lines_of(number, block))
    (state / "script").write_text("".join(script))
    done = subprocess.run([*wrapper, "bash", state / "script"], cwd=folder, stdin=subprocess.DEVNULL,
                          env=os.environ | {"STATE": str(state), "PATIENCE": str(patience)} | (environment or {}))
    if done.returncode:
        raise Failed(told(page, blocks, state, done.returncode))


def told(page, blocks, state, code):
    def content(name):
        path = state / name
        return path.read_text(errors="replace").strip() if path.exists() else ""
    number = int(content("current") or 0)
    block = blocks[number]
    text = [f"docs/{page.name}:{block.line}: the block ended with {code}", "--- the block", content(f"{number}.sh")]
    for title, name in (("printed", f"{number}.out"), ("expected", f"{number}.expected"), ("problem", "problem")):
        if content(name):
            text += [f"--- {title}", content(name)[-8000:]]
    return "\n".join(text)
