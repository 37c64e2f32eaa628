"""Asks hopguard's policy about a server's certificate, from Python.

    pip install wasmtime
    python3 decide.py hopguard.component.wasm policy.json server.pem api.example.com [SECONDS]

SECONDS since 1970 is the moment as of which it is judged, instead of now. The exit code is 1 where
the connection is denied.
"""

import sys
import time

from wasmtime import Engine, Store
from wasmtime.component import Component, Linker, Record, ResourceAny, Variant

POLICIES = "hopguard:decision/policies@0.1.0"


class Guard:
    """The component, and how to call it."""

    def __init__(self, path):
        engine = Engine()
        self.store = Store(engine)
        # The component imports nothing, so that an empty linker is enough.
        component = Component.from_file(engine, path)
        self.instance = Linker(engine).instantiate(self.store, component)

    def call(self, name, *arguments):
        interface = self.instance.get_export_index(self.store, POLICIES)
        function = self.instance.get_export_index(self.store, name, interface)
        function = self.instance.get_func(self.store, function)
        result = function(self.store, *arguments)
        function.post_return(self.store)
        return result


def connection(**shown):
    """WIT's record `connection`; what is not shown is none."""
    names = [
        "direction", "transport", "cluster", "listener", "filter-chain", "server-name",
        "peer-address", "peer-certificate", "peer-certificate-sha256", "client-certificate",
        "request", "stapled-ocsp-response", "revocation-answer",
    ]
    record = Record()
    for name in names:
        setattr(record, name, shown.get(name.replace("-", "_")))
    return record


def main(component, policy, certificate, name, now=None):
    now = int(now or time.time())
    guard = Guard(component)
    with open(policy, encoding="utf-8") as file:
        parsed = guard.call("[static]policy.parse", file.read(), now)
    if not isinstance(parsed, ResourceAny):
        sys.exit("\n".join(f"{error.path}: {error.message}" for error in parsed))

    with open(certificate, "rb") as file:
        shown = connection(
            direction="upstream",
            transport=Variant("tls", "tls13"),
            server_name=name,
            peer_certificate=file.read(),
            client_certificate=False,
        )
    decided = guard.call("[method]policy.decide", parsed, shown, now)
    parsed.drop(guard.store)
    # What no connection can show is no verdict, and so is a denial.
    if decided.tag == "err":
        sys.exit(f"{decided.payload.field}: {decided.payload.message}")
    verdict = decided.payload
    print(verdict.outcome, "by rule", verdict.rule)
    for finding in verdict.findings + verdict.notices:
        print(" ", finding.control, finding.cause, "-", finding.detail)
    sys.exit(verdict.outcome == "deny")


if __name__ == "__main__":
    main(*sys.argv[1:])
