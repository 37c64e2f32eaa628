"""Runs the component in wasmtime over the table of decisions, and prints what it says, as JSON.

Usage: wasmtime_host.py PACKAGES COMPONENT TABLE HOSTILE

HOSTILE has policies, certificates and connections that are wrong.

What the component says is printed as its types have it: records as objects, enums as texts, a
variant or result as {"case": ...}.
"""

import base64
import json
import sys

packages, component_path, table_path, hostile_path = sys.argv[1:]
sys.path.insert(0, packages)

from wasmtime import Engine, Store, WasmtimeError  # noqa: E402
from wasmtime.component import Component, Linker, Record, ResourceAny, Variant  # noqa: E402

PACKAGE = "hopguard:decision/{}@0.1.0"

# The fields of WIT's `connection` and `request`: all are to be there.
CONNECTION = [
    "cluster", "listener", "filter-chain", "server-name", "peer-address", "peer-certificate",
    "peer-certificate-sha256", "request", "stapled-ocsp-response", "revocation-answer",
]


def record(fields):
    result = Record()
    for name, value in fields.items():
        setattr(result, name, value)
    return result


class Host:
    def __init__(self, path):
        engine = Engine()
        component = Component.from_file(engine, path)
        self.imports = sorted(component.type.imports(engine))
        self.store = Store(engine)
        self.instance = Linker(engine).instantiate(self.store, component)

    def call(self, interface, name, *arguments):
        index = self.instance.get_export_index(self.store, PACKAGE.format(interface))
        index = self.instance.get_export_index(self.store, name, index)
        function = self.instance.get_func(self.store, index)
        result = function(self.store, *arguments)
        function.post_return(self.store)
        return result


def transport(given):
    if given == "plaintext":
        return Variant("plaintext")
    ((case, version),) = given.items()
    return Variant(case, version)


def connection(given, table):
    """From a row to WIT's `connection`."""
    fields = {name: given.get(name) for name in CONNECTION}
    fields["direction"] = given["direction"]
    fields["transport"] = transport(given["transport"])
    fields["client-certificate"] = given["client-certificate"]
    certificate = fields["peer-certificate"]
    if isinstance(certificate, dict):
        fields["peer-certificate"] = base64.b64decode(certificate["base64"])
    elif certificate is not None:
        fields["peer-certificate"] = table["certificates"][certificate].encode()
    if fields["peer-certificate-sha256"] is not None:
        fields["peer-certificate-sha256"] = bytes.fromhex(fields["peer-certificate-sha256"])
    if fields["stapled-ocsp-response"] is not None:
        response = table["ocsp-responses"][fields["stapled-ocsp-response"]]
        fields["stapled-ocsp-response"] = base64.b64decode(response)
    if fields["request"] is not None:
        request = fields["request"]
        fields["request"] = record({
            "authority": request.get("authority"),
            "path": request.get("path"),
            "headers": request.get("headers", []),
        })
    return record(fields)


def plain(value):
    """What the component said, as JSON has it."""
    if isinstance(value, Variant):
        return {value.tag: plain(value.payload)}
    if isinstance(value, Record):
        return {name: plain(field) for name, field in vars(value).items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, set):
        return sorted(value)
    return value


def hostile(host, given, strict, table):
    """What the component says of what is wrong; it must not trap."""
    policies = []
    for text in given["policies"]:
        parsed = host.call("policies", "[static]policy.parse", text, table["now"])
        if isinstance(parsed, ResourceAny):
            parsed.drop(host.store)
            parsed = []
        policies.append(plain(parsed))
    certificates = []
    for certificate in given["certificates"]:
        certificate = base64.b64decode(certificate)
        inspected = host.call("catalog", "inspect", certificate)
        trusted = host.call("policies", "[method]policy.trust", strict, certificate, table["now"])
        certificates.append({"inspected": plain(inspected), "trusted": plain(trusted)})
    connections = [
        plain(host.call("policies", "[method]policy.decide", strict, connection(one, table), when))
        for one in given["connections"]
        for when in (table["now"], -(2**63), 2**63 - 1)
    ]
    return {"policies": policies, "certificates": certificates, "connections": connections}


def main():
    with open(table_path, encoding="utf-8") as file:
        table = json.load(file)
    host = Host(component_path)
    now = table["now"]
    policies = {}
    for name, policy in table["policies"].items():
        parsed = host.call("policies", "[static]policy.parse", json.dumps(policy), now)
        if not isinstance(parsed, ResourceAny):
            sys.exit(f"{name}: refused: {plain(parsed)}")
        policies[name] = parsed

    said = {"imports": host.imports, "causes": plain(host.call("catalog", "causes"))}
    rows = []
    for row in table["rows"]:
        given = (policies[row["policy"]], connection(row["connection"], table), now)
        decided = plain(host.call("policies", "[method]policy.decide", *given))
        explained = plain(host.call("policies", "[method]policy.explain", *given))
        rows.append({"name": row["name"], "decided": decided, "explained": explained})
    said["rows"] = rows
    said["policies"] = {
        name: {
            direction: {
                "rules": plain(host.call("policies", "[method]policy.rules", policy, direction, now)),
                "needed": plain(host.call("policies", "[method]policy.needed-facts", policy, direction)),
            }
            for direction in ("downstream", "upstream")
        }
        for name, policy in policies.items()
    }
    strict = policies["strict"]
    said["certificates"] = {
        name: {
            "inspected": plain(host.call("catalog", "inspect", pem.encode())),
            "trusted": plain(host.call("policies", "[method]policy.trust", strict, pem.encode(), now)),
        }
        for name, pem in table["certificates"].items()
    }
    with open(hostile_path, encoding="utf-8") as file:
        said["hostile"] = hostile(host, json.load(file), strict, table)
    for policy in policies.values():
        policy.drop(host.store)
    json.dump(said, sys.stdout, indent=1)


try:
    main()
except WasmtimeError as error:
    sys.exit(f"the component trapped: {error}")
