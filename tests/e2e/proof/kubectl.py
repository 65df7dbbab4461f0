"""kubectl, and objects as dictionaries."""
import json
import subprocess

from .report import Failure

OWN = "app.kubernetes.io/managed-by=postern"


def run(program, *arguments, stdin=None):
    """Its standard output. A program that fails is a failure of the proof, with what it wrote to standard error."""
    line = [program, *map(str, arguments)]
    done = subprocess.run(line, input=stdin, capture_output=True, text=True)
    if done.returncode:
        raise Failure(f"`{' '.join(line)}` ended with {done.returncode}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def kubectl(*arguments, stdin=None):
    return run("kubectl", *arguments, stdin=stdin)


def text_of(objects):
    """Objects in the form that kubectl reads: text stays as it is."""
    if len(objects) == 1 and isinstance(objects[0], str):
        return objects[0]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})


def apply(*objects):
    return kubectl("apply", "-f", "-", stdin=text_of(objects))


def create(*objects):
    return kubectl("create", "-f", "-", stdin=text_of(objects))


def delete(kind, name, namespace=None, *flags):
    kubectl("delete", kind, name, *place(namespace), "--ignore-not-found", *flags)


def place(namespace):
    return ["-n", namespace] if namespace else []


def get(kind, name, namespace=None):
    """The object, or None."""
    text = kubectl("get", kind, name, *place(namespace), "--ignore-not-found", "-o", "json")
    return json.loads(text) if text.strip() else None


def listing(kinds, namespace=None, selector=None):
    """Objects of these kinds (comma-separated), everywhere if no namespace is given."""
    where = place(namespace) or ["-A"]
    which = ["-l", selector] if selector else []
    return json.loads(kubectl("get", kinds, *where, *which, "-o", "json"))["items"]


def patch(kind, name, namespace, change, form="merge"):
    return kubectl("patch", kind, name, *place(namespace), "--type", form, "--patch-file", "/dev/stdin", stdin=json.dumps(change))


def condition(status, kind):
    """One of the conditions of a status or of one of its parents, or an empty one."""
    return next((entry for entry in status.get("conditions", []) if entry["type"] == kind), {})


def namespace(name):
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def config_map(name, where, data, labels=None):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": where, "labels": labels or {}},
            "data": data}


def tls_secret(name, where, pair):
    return {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": name, "namespace": where},
            "stringData": {"tls.crt": pair.certificate, "tls.key": pair.key}}
