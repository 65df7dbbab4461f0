"""Certificates that are replaced by others while they are in use."""
import base64
import hashlib
import json

from ..kubectl import apply, patch
from ..pages import config_dump
from ..report import shown
from ..request import presented
from ..waiting import eventually


def ca(stage):
    """Both CAs, then the other backend, then the other CA alone, and back the same way."""
    with stage.load(expected="") as load:
        for word, port, before, after in (("second", 8444, stage.first, stage.second), ("first", 8443, stage.second, stage.first)):
            apply(stage.ca(before, after))
            taken_by_all(stage, "both CAs are trusted", lambda dump: trusts(dump, before) and trusts(dump, after))
            load.goes_on()
            lead_to(stage, word)
            taken_by_all(stage, f"the endpoints have port {port}", lambda dump: all(
                address.endswith(f":{port}") for address in dump["endpoints"][f"{stage.namespace}/backend:443"]))
            stage.answers(body=f"{word} ")
            load.goes_on()
            apply(stage.ca(after))
            taken_by_all(stage, "only the other CA is trusted", lambda dump: trusts(dump, after) and not trusts(dump, before))
            load.goes_on()
    load.none_lost()
    shown(f"the CA of the backend rotated, and back: {load}")


def lead_to(stage, port):
    patch("service", "backend", stage.namespace, [{"op": "replace", "path": "/spec/ports/0/targetPort", "value": port}], "json")


def taken_by_all(stage, what, holds):
    eventually(f"in all proxies {what}", lambda: all(holds(config_dump(pod)) for pod in stage.gateway.pods()), every=0.5)


def trusts(dump, authority):
    """Whether the fingerprint of this CA is in the configuration of the backends."""
    body = "".join(line for line in authority.certificate.splitlines() if not line.startswith("-"))
    return hashlib.sha256(base64.b64decode(body)).hexdigest() in json.dumps(dump["backends"]).lower()


def listener_certificate(stage):
    before = presented(stage.address, 443, stage.host)
    with stage.load(tls=True) as load:
        apply(stage.listener_certificate())
        eventually("the listener presents the other certificate", lambda: presented(stage.address, 443, stage.host) != before)
        load.goes_on()
    load.none_lost()
    shown(f"the certificate of the listener rotated, and presented: {load}")
