"""The upstream suite as a program: what is told of its output while it runs, and what is read from it afterwards."""
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
BEGINS = re.compile(r"=== RUN   TestConformance/([^/\s]+)$")
ENDS = re.compile(r"--- (PASS|FAIL|SKIP): TestConformance/(\S+) ")
UNCLAIMED = re.compile(r"Skipping (\S+): suite does not support")


def command(lab, flags):
    """In the lab its own build of the suite, elsewhere the one of the module `go`."""
    if lab:
        return [lab, "conformance", "--", *flags], HERE
    if not shutil.which("go"):
        sys.exit("go is not on the PATH, which builds the upstream suite")
    return ["go", "test", "-v", "-count=1", "-timeout=60m", "-run=TestConformance", ".", "-args", *flags], HERE / "go"


class Log:
    """All that the suite wrote."""

    def __init__(self, path):
        self.path, self.lines = path, []

    def ended(self, outcome):
        """The tests, with their parts, that ended so."""
        return [match[2] for line in self.lines if (match := ENDS.search(line)) and match[1] == outcome]

    def skipped(self):
        """Those that were skipped for any other reason than that their features are not claimed."""
        unclaimed = {match[1] for line in self.lines if (match := UNCLAIMED.search(line))}
        return [test for test in self.ended("SKIP") if test not in unclaimed]

    def of(self, test, count=80):
        """The last lines of one test."""
        begin = next((number for number, line in enumerate(self.lines) if line.rstrip() == f"=== RUN   TestConformance/{test}"), None)
        if begin is None:
            return []
        end = next((number for number, line in enumerate(self.lines) if number > begin and BEGINS.match(line)), len(self.lines))
        return self.lines[begin:end][-count:]


def run(lab, flags, path):
    """Its exit code and its log, which is also written to a file."""
    line, folder = command(lab, flags)
    log = Log(path)
    with path.open("w") as copy, subprocess.Popen(
            list(map(str, line)), cwd=folder, env=os.environ | {"GOFLAGS": "-buildvcs=false"},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace") as process:
        for text in process.stdout:
            log.lines.append(text.rstrip("\n"))
            copy.write(text)
            if match := BEGINS.match(text.rstrip()):
                print(f"  {match[1]}", flush=True)
    return process.returncode, log
