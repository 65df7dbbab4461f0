"""The commands that need no cluster: in a network of their own where that may be made, since the pages name fixed ports."""
import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile

from . import script, units
from .pages import REPOSITORY

NETWORK = ["unshare", "--user", "--map-root-user", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
COPIED = ("charts", "dashboards", "examples")


def postern():
    """The program that is proven."""
    path = pathlib.Path(os.environ.get("POSTERN_BINARY", REPOSITORY / "target/release/postern")).resolve()
    if not os.access(path, os.X_OK):
        raise script.Failed(f"no program at {path}: cargo build --release, or POSTERN_BINARY")
    return path


def wrapper():
    own = subprocess.run([*NETWORK, "true"], capture_output=True).returncode == 0
    if not own:
        print("no network of its own can be made: the ports 8080, 15000, 15020 and 15021 of this machine have to be free")
    return NETWORK if own else []


@contextlib.contextmanager
def clone():
    """A folder with what a page takes from a clone, and another for what is kept of the runs."""
    with tempfile.TemporaryDirectory(prefix="postern-docs-") as folder:
        work, state = pathlib.Path(folder, "clone"), pathlib.Path(folder, "state")
        state.mkdir()
        for name in COPIED:
            shutil.copytree(REPOSITORY / name, work / name, ignore=shutil.ignore_patterns("__pycache__"))
        yield work, state


def path_with(folder, **programs):
    """A PATH on which these programs come first."""
    folder.mkdir()
    for name, program in programs.items():
        (folder / name).symlink_to(program)
    return f"{folder}:{os.environ['PATH']}"


def run(pages, told):
    outer = wrapper()
    for page, blocks in units.laptop(pages):
        with clone() as (work, state):
            (state / "blocks").mkdir()
            environment = {"PATH": path_with(state / "bin", postern=postern())}
            script.run(page, blocks, work, state / "blocks", wrapper=outer, environment=environment)
        told(page, blocks)
