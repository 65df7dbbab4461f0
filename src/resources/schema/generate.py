#!/usr/bin/env python3
"""Writes the JSON schemas of the Gateway API kinds that are beside this script.

    src/resources/schema/generate.py DIR

DIR is `config/crd/experimental` of the Go module `sigs.k8s.io/gateway-api`:

    go mod download sigs.k8s.io/gateway-api@v1.6.1
    src/resources/schema/generate.py "$(go env GOMODCACHE)/sigs.k8s.io/gateway-api@v1.6.1/config/crd/experimental"

Only structural facts are taken over: no descriptions, no defaults, no CEL rules (those are written by hand in
`rules_*.rs`), and no status but that of BackendTLSPolicy, the one that is read. Subtrees that occur more than once become
`definitions`. Needs PyYAML.
"""

import json
import pathlib
import sys

import yaml

KINDS = {
    "gatewayclasses": ("gateway_class", False),
    "gateways": ("gateway", False),
    "httproutes": ("http_route", False),
    "backendtlspolicies": ("backend_tls_policy", True),
    "referencegrants": ("reference_grant", False),
}
FACTS = [
    "type", "required", "enum", "pattern", "format", "nullable", "minLength", "maxLength", "minItems", "maxItems",
    "minProperties", "maxProperties", "minimum", "maximum", "x-kubernetes-list-type", "x-kubernetes-list-map-keys",
    "x-kubernetes-int-or-string", "x-kubernetes-preserve-unknown-fields",
]
WIDTH = 116


def strip(schema):
    out = {fact: schema[fact] for fact in FACTS if fact in schema}
    if out.get("x-kubernetes-list-type") == "atomic":
        del out["x-kubernetes-list-type"]
    if "properties" in schema:
        out["properties"] = {name: strip(child) for name, child in schema["properties"].items()}
    if "items" in schema:
        out["items"] = strip(schema["items"])
    if isinstance(schema.get("additionalProperties"), dict):
        out["additionalProperties"] = strip(schema["additionalProperties"])
    return out


def compact(value):
    return json.dumps(value, separators=(", ", ": "))


def count(schema, name, seen):
    if schema.get("type") in ("object", "array"):
        entry = seen.setdefault(compact(schema), [0, name])
        entry[0] += 1
        if entry[0] > 1:
            return
    for key, child in schema.get("properties", {}).items():
        count(child, key, seen)
    if "items" in schema:
        count(schema["items"], name + "Item", seen)
    if "additionalProperties" in schema:
        count(schema["additionalProperties"], name + "Value", seen)


def share(schema, shared, definitions):
    """Replaces repeated subtrees by references; the definitions are made on the way."""
    text = compact(schema)
    if text in shared:
        name = shared[text]
        if name not in definitions:
            definitions[name] = None
            definitions[name] = descend(schema, shared, definitions)
        return {"$ref": name}
    return descend(schema, shared, definitions)


def descend(schema, shared, definitions):
    out = dict(schema)
    if "properties" in out:
        out["properties"] = {k: share(v, shared, definitions) for k, v in out["properties"].items()}
    for key in ("items", "additionalProperties"):
        if key in out:
            out[key] = share(out[key], shared, definitions)
    return out


def pretty(value, indent=0):
    text = compact(value)
    if len(text) + 2 * indent <= WIDTH or not isinstance(value, (dict, list)) or not value:
        return text
    pad = "  " * (indent + 1)
    if isinstance(value, dict):
        rows = [f"{pad}{json.dumps(k)}: {pretty(v, indent + 1)}" for k, v in value.items()]
        return "{\n" + ",\n".join(rows) + "\n" + "  " * indent + "}"
    rows = [pad + pretty(v, indent + 1) for v in value]
    return "[\n" + ",\n".join(rows) + "\n" + "  " * indent + "]"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    source = pathlib.Path(sys.argv[1])
    target = pathlib.Path(__file__).parent
    for plural, (name, with_status) in KINDS.items():
        crd = yaml.safe_load((source / f"gateway.networking.k8s.io_{plural}.yaml").read_text())
        version = next(v for v in crd["spec"]["versions"] if v["name"] == "v1")
        schema = strip(version["schema"]["openAPIV3Schema"])
        for key in ("apiVersion", "kind", "metadata"):
            del schema["properties"][key]
        if not with_status:
            schema["properties"].pop("status", None)

        seen = {}
        count(schema, "root", seen)
        shared = {}
        for text, (times, label) in seen.items():
            if times > 1 and len(text) > 150:
                unique, n = label, 2
                while unique in shared.values():
                    unique, n = f"{label}{n}", n + 1
                shared[text] = unique
        definitions = {}
        root = share(schema, shared, definitions)
        if definitions:
            root["definitions"] = dict(sorted(definitions.items()))
        (target / f"{name}.json").write_text(pretty(root) + "\n")


if __name__ == "__main__":
    main()
