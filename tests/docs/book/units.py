"""Which commands are run where, and in which order. It must not know how."""

# A page, and the sections that need no cluster; none means all.
LAPTOP = [("install.md", ["On one machine"]), ("troubleshooting.md", ["On one machine"]), ("tls.md", [])]
# The rest of these, each on what the one before has left, then the runbooks, and then the last section of the guide.
CLUSTER = ["install.md", "guide.md", "troubleshooting.md", "operations.md"]
CLEANUP = ("guide.md", "Cleanup")


def commands(page):
    return [block for block in page.blocks if block.language == "sh"]


def laptop(pages):
    """Pages, with those of their blocks that are run."""
    by_name = {page.name: page for page in pages}
    for name, sections in LAPTOP:
        yield by_name[name], [block for block in commands(by_name[name]) if not sections or block.section in sections]


def cluster(pages):
    by_name = {page.name: page for page in pages}
    elsewhere = dict(LAPTOP)
    for page in [*(by_name[name] for name in CLUSTER), *(page for page in pages if page.name.startswith("runbooks/"))]:
        left_out = [*elsewhere.get(page.name, []), *(section for name, section in [CLEANUP] if name == page.name)]
        if blocks := [block for block in commands(page) if block.section not in left_out]:
            yield page, blocks
    guide, last = by_name[CLEANUP[0]], CLEANUP[1]
    yield guide, [block for block in commands(guide) if block.section == last]
