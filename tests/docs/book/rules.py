"""What holds of the pages without a run: no command is hidden, links lead somewhere, and tables are those of the program."""
import re

from . import program, units
from .not_run import NOT_RUN
from .pages import DOCS, REPOSITORY

COMMAND = re.compile(r"^[\s>*-]*(?:\d+\.\s+)?(?:\$ |sudo |[A-Z_]+=\S* )*((?:kubectl|helm|curl|postern|openssl|cargo|docker) .*)$")
WORDS = re.compile(r"^(until|serves|exit=\d+)$")
LINK = re.compile(r"\]\(([^)\s]+)\)")
LANGUAGES = {"sh", "text", "yaml", "json", "promql"}


def broken(pages):
    """A line for everything that does not hold."""
    by_name = {page.name: page for page in pages}
    return [*hidden(pages), *forgotten(pages), *unknown_words(pages), *dead_links(pages), *tables(by_name)]


def hidden(pages):
    """Commands in the text or in a block that is not run, but for those of NOT_RUN."""
    used = set()
    for page in pages:
        lines = list(page.prose)
        for block in page.blocks:
            if block.language != "sh":
                lines += enumerate(block.text.splitlines(), block.line)
        for number, line in lines:
            if not (command := COMMAND.match(line)):
                continue
            known = [key for key in NOT_RUN if key[0] == page.name and command[1].startswith(key[1])]
            used.update(known)
            if not known:
                yield f"docs/{page.name}:{number}: a command that is not run, and not in not_run.py: {command[1]}"
    for name, start in set(NOT_RUN) - used:
        yield f"tests/docs/book/not_run.py: docs/{name} has no command {start!r}"


def forgotten(pages):
    """Blocks that are run nowhere, or twice."""
    run = [(page.name, block.line) for part in (units.laptop, units.cluster) for page, blocks in part(pages) for block in blocks]
    for page in pages:
        for block in units.commands(page):
            if (times := run.count((page.name, block.line))) != 1:
                yield f"docs/{page.name}:{block.line}: the block is run {times} times: see units.py"


def unknown_words(pages):
    for page in pages:
        for block in page.blocks:
            where = f"docs/{page.name}:{block.line}"
            if block.language not in LANGUAGES:
                yield f"{where}: a block is one of {', '.join(sorted(LANGUAGES))}"
            elif strange := [word for word in block.words[1:] if block.language != "sh" or not WORDS.match(word)]:
                yield f"{where}: there is no word {strange[0]}"
            elif "serves" in block.words and (len(block.text.replace("\\\n", "").splitlines()) != 1 or not page.expected(block)):
                yield f"{where}: what serves is one command, and shows by what it prints that it does"


def anchors(path):
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ +(.*)$", path.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def dead_links(pages):
    for page in pages:
        for number, line in page.prose:
            for target in LINK.findall(line):
                if "://" in target:
                    continue
                file, _, anchor = target.partition("#")
                path = (page.path.parent / file).resolve() if file else page.path
                if not path.exists():
                    yield f"docs/{page.name}:{number}: there is no {target}"
                elif anchor and anchor not in anchors(path):
                    yield f"docs/{page.name}:{number}: no heading of {path.relative_to(REPOSITORY)} is {anchor}"


def rows(page, first):
    """The rows of the table whose first column has this title, as lists of cells."""
    found, inside = [], False
    for _, line in page.prose:
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")] if line.startswith("|") else None
        if cells and cells[0] == first:
            inside = True
        elif not cells:
            inside = False
        elif inside and not set(line) <= set("|- "):
            found.append(cells)
    return found


def unquoted(cell):
    return re.findall(r"`([^`]+)`", cell)


def named(page, first):
    """What the first column of a table names, in its order."""
    return [name for row in rows(page, first) for name in unquoted(row[0])]


def tables(pages):
    tls, operations, install = (pages.get(name) for name in ("tls.md", "operations.md", "install.md"))
    written = [(*unquoted(row[0]), *row[1:4]) for row in rows(tls, "result")]
    yield from differs("docs/tls.md: the results", written, program.results())
    yield from differs("docs/tls.md: the options", named(tls, "option"), program.options())
    yield from differs("docs/operations.md: the fields of the access log", named(operations, "field of a request"),
                       program.access_log_fields())
    yield from differs("docs/operations.md: the fields of a failed handshake", named(operations, "field of a failed handshake"),
                       program.handshake_fields())
    written = [tuple(unquoted(row[1])) for row in rows(operations, "part of a probe")]
    yield from differs("docs/operations.md: the fields of a probe", written, program.probe_fields())
    written = sorted({name for row in rows(operations, "part of `/tls`") for name in unquoted(row[1])})
    yield from differs("docs/operations.md: the fields of /tls", written, program.tls_fields())
    known = program.values()
    for name in named(install, "value"):
        if not any(key == name or key.startswith(f"{name}.") for key in known):
            yield f"docs/install.md: the chart has no value {name}"
    linked = set(re.findall(r"runbooks/(\w+)\.md", operations.text))
    yield from differs("docs/operations.md: the alerts", sorted(linked), sorted(path.stem for path in DOCS.glob("runbooks/*.md")))


def differs(what, written, true):
    for entry in [entry for entry in true if entry not in written]:
        yield f"{what}: missing is {entry}"
    for entry in [entry for entry in written if entry not in true]:
        yield f"{what}: not so is {entry}"
    if sorted(written) == sorted(true) and list(written) != list(true):
        yield f"{what}: they are in another order than in the program"
