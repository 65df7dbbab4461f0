"""A page of Markdown: its sections and its fenced blocks. It must not know what the blocks do."""
import dataclasses
import pathlib
import re
import textwrap

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
DOCS = REPOSITORY / "docs"
FENCE = re.compile(r"^( *)```(.*)$")
HEADING = re.compile(r"^## +(.*)$")


@dataclasses.dataclass(frozen=True)
class Block:
    """A fenced block: the words after the fence, the section that it is in, the number of its first line, and its text."""
    words: tuple
    section: str
    line: int
    text: str

    @property
    def language(self):
        return self.words[0] if self.words else ""


class Page:
    def __init__(self, path, text=None):
        self.path = path
        self.name = path.relative_to(DOCS).as_posix()
        self.text = path.read_text() if text is None else text
        self.blocks, self.prose = read(self.text, self.name)

    def expected(self, block):
        """What a command prints: the block of text that follows it, if no other one is between them."""
        following = next(iter(self.blocks[self.blocks.index(block) + 1:]), None)
        if following is None or following.language != "text" or not follows(self.text, block, following):
            return ""
        return following.text


def read(text, name):
    """The blocks, and the lines outside of them with their numbers."""
    blocks, prose, section, opened = [], [], "", None
    for number, line in enumerate(text.splitlines(), 1):
        fence = FENCE.match(line)
        if opened is not None:
            indent, words, start, lines = opened
            if fence and not fence[2]:
                blocks.append(Block(words, section, start, textwrap.dedent("".join(f"{line}\n" for line in lines))))
                opened = None
            else:
                lines.append(line)
        elif fence:
            opened = fence[1], tuple(fence[2].split()), number + 1, []
        else:
            if heading := HEADING.match(line):
                section = heading[1]
            prose.append((number, line))
    if opened is not None:
        raise ValueError(f"docs/{name}:{opened[2]}: the block does not end")
    return blocks, prose


def follows(text, block, other):
    """Whether only empty lines are between two blocks."""
    between = text.splitlines()[block.line - 1 + len(block.text.splitlines()) + 1:other.line - 2]
    return not "".join(between).strip()


def pages():
    return [Page(path) for path in [*sorted(DOCS.glob("*.md")), *sorted(DOCS.glob("runbooks/*.md"))]]
