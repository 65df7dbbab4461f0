"""What the sources say, as far as pages have tables of it. Each thing is read in the one place where the program has it."""
import re

from .pages import REPOSITORY


def source(path):
    return (REPOSITORY / path).read_text()


def results():
    """Word, meaning, status and remedy of every result, in their order."""
    outcome = source("actors/src/outcome.rs")
    words = arms(body(outcome, "as_str"))
    meanings, remedies, statuses = arms(body(outcome, "meaning")), arms(body(outcome, "remedy")), status_of_results(words)
    return [(words[name], meanings[name], statuses[name], remedies[name] or "-") for name in words]


def body(text, function):
    """Of the first function of this name."""
    start = re.search(rf"pub fn {function}\(self\)", text).end()
    return text[start:text.index("\n    }\n", start)]


def arms(text):
    found = re.findall(r'Self::(\w+) => \{?\s*"((?:[^"\\]|\\.)*)"', text)
    return {name: value for name, value in found}


def status_of_results(names):
    """The status that a client gets of each, which `ok` leaves to the backend."""
    answer = source("actors/src/listener/answer.rs")
    answer = answer[answer.index("pub fn status(reason: Reason)"):]
    found, other = {}, None
    for arm, status in re.findall(r"((?:[^=]|=(?!>))*)=> (\d+),", answer[:answer.index("\n}\n")]):
        for inside in re.findall(r"Reason::Handshake\(([^)]*)\)", arm):
            if inside == "_":
                other = status
            for name in re.findall(r"H::(\w+)", inside):
                found[name] = status
    return {name: "the backend's" if name == "Ok" else found.get(name, other) for name in names}


def options():
    return re.findall(r'^            "([a-z0-9-]+)" =>', source("src/translate/options.rs"), re.M)


def access_log_fields():
    folder = "actors/src/telemetry/access_log"
    line, tls = source(f"{folder}/line.rs"), source(f"{folder}/tls.rs")
    line, tls = (re.findall(r'name!\("([^"]+)"\)', text) for text in (line, tls))
    place = line.index("traceparent")
    return ["time", *line[:place], *tls, *line[place:]]


def handshake_fields():
    log = source("actors/src/telemetry/handshake_log.rs")
    call = log[log.index("tracing::warn!("):log.index('"TLS to the backend failed"')]
    return re.findall(r"^            (\w+)(?: =|,)", call, re.M)


def values():
    """Every value of the chart, as helm-docs lists them."""
    return re.findall(r"^\| ([A-Za-z][\w.]*) \|", source("charts/postern/README.md"), re.M)
