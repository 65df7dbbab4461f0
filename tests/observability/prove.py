"""Debian's Prometheus over a gateway whose backends provoke every result: every query of every board and rule finds data, every
metric and label that they use exists, and the reverse. What only a cluster has is shown by `tests/e2e/run observability`."""
import sys

sys.dont_write_bytecode = True

import pathlib
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "e2e"))

from proof.report import Failure, chapter, shown
from proof.waiting import eventually
from watch import processes, programs, scrape
from watch.checks import Checks
from watch.load import Load

RULES, TESTS = programs.RULES, programs.RULES.with_name("postern.tests.yaml")


def change(folder):
    """Changes an object, as often as it is called with another number."""
    path, unfinished = folder / "ok.yaml", folder / "unfinished"
    text = path.read_text()
    def again(number):
        unfinished.write_text(text.replace("rules: [{", f'rules: [{{timeouts: {{request: "{30 + number % 10}s"}}, '))
        unfinished.rename(path)
    return again


def rules():
    chapter("the rules by themselves")
    programs.promtool("check", "rules", RULES)
    programs.promtool("test", "rules", TESTS)
    shown("promtool takes the rules, and their tests pass")


def live(folder):
    chapter("a gateway under every result")
    objects = folder / "objects"
    with programs.backends(objects) as inventory, programs.gateway(objects) as gateway:
        labels = {"namespace": "postern", "job": "postern"}
        load = Load(inventory, gateway.addresses(inventory), change(objects))
        with programs.prometheus(folder, [(gateway.metrics, labels)]) as prometheus, load:
            checks = Checks(prometheus, inventory, lambda: {"proxy": scrape.page(gateway.metrics)}, cluster=False)
            load.goes_on()
            checks.all()
            programs.promtool("check", "metrics", stdin=scrape.page(gateway.metrics))
            shown("promtool takes the metrics")
            checks.series_are_bounded(load)
            eventually("every target is scraped", prometheus.scrapes, 30)
            load.is_right()
            gateway.process.runs()


def main():
    if missing := programs.not_installed("prometheus", "promtool") + programs.not_built(programs.postern(), programs.outcomes()):
        sys.exit("\n".join(missing))
    processes.end_in_order()
    try:
        rules()
        with tempfile.TemporaryDirectory() as folder:
            live(pathlib.Path(folder))
    except Failure as failure:
        sys.exit(f"\nFAILED: {failure}")
    print("\nall of it shown")


if __name__ == "__main__":
    main()
