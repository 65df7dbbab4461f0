"""The admin pages in Chromium, over a gateway whose backends provoke every result: they load, a failure shows its word and what
mends it, nothing is asked of anybody else, and a phone shows them whole."""
import sys

sys.dont_write_bytecode = True

import argparse
import contextlib
import json
import pathlib
import shutil
import tempfile
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "e2e"))

from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By

from proof.report import Failure, chapter, expect, shown
from proof.waiting import eventually
from watch import processes, programs
from watch.load import Load

PAGES = {"overview": "/", "tls": "/tls", "pools": "/pools", "logging": "/logging", "config-dump": "/config_dump"}
DESKTOP, PHONE = (1280, 900), (360, 740)
DIRECTIVES = "warn,rustls=error"


class Browser:
    """Chromium without a window, on the pages of one address."""

    def __init__(self, address, profile, screenshots):
        self.address, self.screenshots, self.width = address, screenshots, 0
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--no-proxy-server", f"--user-data-dir={profile}"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))

    def size(self, width, height):
        self.width = width
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width == PHONE[0]})

    def open(self, path):
        self.driver.get(f"http://{self.address}{path}")

    def find(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self):
        return self.driver.find_element(By.TAG_NAME, "body").text

    def picture(self, name):
        if self.screenshots:
            self.driver.save_screenshot(str(self.screenshots / f"{name}.png"))

    def is_quiet(self):
        """Nothing in the console, and no request to anybody else."""
        console = [entry["message"] for entry in self.driver.get_log("browser")]
        if console:
            raise Failure("the console says:\n" + "\n".join(console))
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] != "Network.requestWillBeSent":
                continue
            url = urllib.parse.urlsplit(message["params"]["request"]["url"])
            if url.scheme in ("http", "https", "ws", "wss") and url.netloc != self.address:
                raise Failure(f"a page asks {url.geturl()}")


@contextlib.contextmanager
def chromium(address, screenshots):
    with tempfile.TemporaryDirectory() as profile:
        browser = Browser(address, profile, screenshots)
        try:
            yield browser
        finally:
            browser.driver.quit()


def pages_load(browser):
    for name, path in PAGES.items():
        for kind, (width, height) in (("", DESKTOP), ("-phone", PHONE)):
            browser.size(width, height)
            browser.open(path)
            if not browser.text().strip():
                raise Failure(f"{path} is empty")
            browser.picture(name + kind)
            browser.is_quiet()
            wide = browser.driver.execute_script("return document.documentElement.scrollWidth")
            if path != "/config_dump" and wide > width:
                raise Failure(f"{path} is {wide} pixels wide on a screen of {width}")
    shown(f"{', '.join(PAGES.values())} load, quietly, and fit {PHONE[0]} pixels")


def failures_are_shown(browser, inventory):
    """Each backend has its word, in sight, and if it fails what mends it."""
    browser.size(*DESKTOP)
    browser.open("/tls")
    for entry in inventory["results"]:
        backend = f"{entry['backend']}:{entry['port']}"
        found = browser.find(f'[data-backend="{backend}"]')
        expect(f"places on /tls of {backend}", len(found), 1)
        expect(f"the result of {backend}", found[0].get_attribute("data-result"), entry["result"])
        if entry["status"] == 200:
            continue
        for part in found[0].find_elements(By.TAG_NAME, "details"):
            browser.driver.execute_script("arguments[0].open = true", part)
        if entry["result"] not in found[0].text:
            raise Failure(f"{backend} does not say {entry['result']}: {found[0].text}")
        remedies = [remedy.text for remedy in found[0].find_elements(By.CSS_SELECTOR, ".remedy")]
        if not any(remedies):
            raise Failure(f"{backend} does not say what to do: {found[0].text}")
    browser.is_quiet()
    shown(f"/tls has {len(inventory['results'])} results, each that fails with its remedy")
    browser.open("/")
    if "name_mismatch" not in browser.text() or not browser.find(".remedy"):
        raise Failure(f"the overview tells of no failure:\n{browser.text()}")
    shown("the overview says what fails, and what to do")


def level_is_set(browser):
    def level():
        """What the page says now: read in one step, since between two steps a page may give way to the next one."""
        try:
            return browser.driver.execute_script("return document.querySelector('#current')?.textContent")
        except WebDriverException as between:
            raise Failure(f"the page could not be read: {between.msg}") from between

    def set_to(directives):
        browser.open("/logging")
        field = browser.driver.find_element(By.NAME, "directives")
        field.clear()
        field.send_keys(directives)
        field.submit()
        def now():
            return set((level() or "").split(",")) == set(directives.split(","))
        eventually(f"the level of the log is {directives}", now, 20)
    browser.open("/logging")
    before = eventually("the page tells the level of the log", level, 20)
    set_to(DIRECTIVES)
    browser.picture("logging-set")
    set_to(before)
    browser.is_quiet()
    shown("the form sets the level of the log")


def in_browser(folder, screenshots):
    objects = folder / "objects"
    with programs.backends(objects) as inventory, programs.gateway(objects) as gateway:
        with Load(inventory, gateway.addresses(inventory), lambda number: None) as load:
            load.goes_on()
        with chromium(gateway.admin, screenshots) as browser:
            chapter("the admin pages in Chromium")
            failures_are_shown(browser, inventory)
            pages_load(browser)
            level_is_set(browser)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--screenshots", type=pathlib.Path, metavar="DIR", help="keep pictures of the pages in this folder")
    screenshots = parser.parse_args().screenshots
    if missing := programs.not_installed("chromium", "chromedriver") + programs.not_built(programs.postern(), programs.outcomes()):
        sys.exit("\n".join(missing))
    if screenshots:
        screenshots.mkdir(parents=True, exist_ok=True)
    processes.end_in_order()
    try:
        with tempfile.TemporaryDirectory() as folder:
            in_browser(pathlib.Path(folder), screenshots)
    except (Failure, WebDriverException) as failure:
        sys.exit(f"\nFAILED: {failure}")
    print("\nall of it shown")


if __name__ == "__main__":
    main()
