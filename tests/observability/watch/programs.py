"""The programs of the proof: the backends, the gateway, and Prometheus. Each runs for as long as its `with` lasts."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess

from proof.report import Failure

from .processes import running
from .prometheus import Prometheus

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
DEBUG = REPOSITORY / "target/debug"
RULES = REPOSITORY / "dashboards/rules/postern.rules.yaml"
PORTS = (80, 81, 443)
# Shorter than the defaults, so that what takes too long takes long less often.
LIMITS = ("--connect-timeout", "2", "--handshake-timeout", "2")
INSTALL = {
    "prometheus": "apt-get install prometheus (its service need not run)",
    "promtool": "apt-get install prometheus",
    "chromium": "apt-get install chromium",
    "chromedriver": "apt-get install chromium-driver",
}

BUILD = "cargo build --workspace --bins"


def postern():
    return pathlib.Path(os.environ.get("POSTERN_BINARY", DEBUG / "postern"))


def outcomes():
    return pathlib.Path(os.environ.get("POSTERN_OUTCOMES_BINARY", DEBUG / "postern-outcomes"))


def not_installed(*names):
    """What is missing of the system's programs, one line each with how to get it; empty if nothing is."""
    return [f"{name} is not on the PATH: {INSTALL[name]}" for name in names if not shutil.which(name)]


def not_built(*programs):
    """The same of our own."""
    return [f"no program at {path}: {BUILD}" for path in programs if not os.access(path, os.X_OK)]


@contextlib.contextmanager
def backends(folder, *arguments):
    """Writes the objects into the folder, and gives the inventory."""
    with running(outcomes(), "--dir", folder, *arguments) as process:
        yield json.loads(process.line("the inventory", lambda line: line if line.startswith("{") else None))


class Gateway:
    """`postern run` on a folder."""

    def __init__(self, process):
        self.process = process
        self.ready = self._page("ready")
        self.metrics, self.admin = self._page("metrics"), self._page("admin")

    def _page(self, name):
        return self.process.line(name, re.compile(rf"^\s*{name}\s+http://([^/]+)/").match)[1]

    def addresses(self, inventory):
        """Where listeners are, as pairs of host and port, by `(gateway, port)`."""
        pattern = r"https?://([\d.]+):(\d+)/.*Gateway {}, listener \S+ port {},"
        found = {}
        for entry in [*inventory["results"], *inventory["varieties"]]:
            key = entry["gateway"], entry["listener_port"]
            if key not in found:
                match = self.process.line(f"port {key[1]} of {key[0]}", re.compile(pattern.format(*map(re.escape, map(str, key)))).search)
                found[key] = match[1], int(match[2])
        return found


@contextlib.contextmanager
def gateway(folder, *arguments):
    line = [postern(), "run", "--workers", "2", "--bind-address", "127.0.0.1", "-f", folder, *LIMITS, *arguments]
    for name in ("admin", "metrics", "ready"):
        line += [f"--{name}-address", "127.0.0.1:0"]
    for port in PORTS:
        line += ["--map-port", f"{port}:0"]
    with running(*line) as process:
        yield Gateway(process)


@contextlib.contextmanager
def prometheus(folder, targets, rules=RULES):
    """`targets`: `host:port` with labels of their own, which are scraped each second."""
    config = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(rules)],
        "scrape_configs": [{"job_name": "postern", "static_configs": [
            {"targets": [target], "labels": labels} for target, labels in targets]}],
    }
    folder = pathlib.Path(folder)
    path = folder / "prometheus.yml"
    path.write_text(json.dumps(config))
    line = ["prometheus", f"--config.file={path}", f"--storage.tsdb.path={folder / 'data'}", "--web.listen-address=127.0.0.1:0"]
    with running(*line) as process:
        match = process.line("an address", re.compile(r'msg="Listening on" address=(\S+)').search)
        yield Prometheus(match[1])


def promtool(*arguments, stdin=None):
    """Fails with what it says, if it ends with anything but 0."""
    done = subprocess.run(["promtool", *map(str, arguments)], input=stdin, capture_output=True, text=True)
    if done.returncode:
        raise Failure(f"promtool {' '.join(map(str, arguments))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout
