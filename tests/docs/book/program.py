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
    place = line.index("request_id")
    return ["time", *line[:place], *tls, *line[place:]]


def handshake_fields():
    log = source("actors/src/telemetry/handshake_log.rs")
    call = log[log.index("tracing::warn!("):log.index('"TLS to the backend failed"')]
    return re.findall(r"^            (\w+)(?: =|,)", call, re.M)


def probe_fields():
    """The fields of each object in the JSON of `postern probe`, in the order of the sources."""
    report, outcome = source("actors/src/upstream/probe/report.rs"), source("src/cli/probe.rs")
    report = re.sub(r"#\[serde\(skip\)\]\s*pub \w+", "", report)
    objects = [re.findall(r"^    pub (\w+):", text, re.M) for text in structs(report, "Serialize")]
    whole, = (re.findall(r"^    (\w+):", text, re.M) for text in structs(outcome, "Serialize"))
    objects[0] += [name for name in whole if name != "report"]
    return [tuple(re.sub(r"_(\w)", lambda found: found[1].upper(), name) for name in names) for names in objects]


def structs(text, derived):
    """The bodies of structs with fields that derive this."""
    head = rf"#\[derive\([^)]*\b{derived}\b[^)]*\)\]\s*(?:#\[[^\n]*\]\s*)*(?:pub )?struct [^{{;]*\{{\n"
    return re.findall(rf"{head}(.*?)^\}}", text, re.M | re.S)


def tls_fields():
    """The fields in the JSON of `/tls`, each once."""
    return sorted(set(re.findall(r'"(\w+)": ', source("actors/src/telemetry/admin/tls/json.rs"))))


def values():
    """Every value of the chart, as helm-docs lists them."""
    return re.findall(r"^\| ([A-Za-z][\w.]*) \|", source("charts/postern/README.md"), re.M)
