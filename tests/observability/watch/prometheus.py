"""A Prometheus server, asked over its API."""
import json
import urllib.parse
import urllib.request

from proof.report import Failure

# Nothing of the environment's proxies: the server is near.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Prometheus:
    def __init__(self, address):
        self.address = address

    def _ask(self, path, **parameters):
        url = f"http://{self.address}/api/v1/{path}"
        data = urllib.parse.urlencode(parameters).encode() if parameters else None
        try:
            with OPENER.open(url, data, timeout=30) as response:
                return json.load(response)["data"]
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")
            raise Failure(f"{path} of Prometheus, {parameters}: {error.code} {said}") from error

    def query(self, expression):
        """The result of an instant query: series with a value, or a single value."""
        data = self._ask("query", query=expression)
        return data["result"]

    def rules(self):
        """The rules as it has loaded them, with how their last evaluation went."""
        return [rule for group in self._ask("rules")["groups"] for rule in group["rules"]]

    def targets(self):
        return self._ask("targets")["activeTargets"]

    def scrapes(self):
        """Whether every target has been scraped, and nothing was wrong with what it said."""
        for target in self.targets():
            if target["health"] != "up":
                raise Failure(f"{target['scrapeUrl']} is {target['health']}: {target['lastError']}")
        return True
