"""A receiver of OTLP/HTTP logs, as strict as the specification lets it be.

    receiver.py PACKAGES JOURNAL    PACKAGES: what fetch.sh printed

Listens on a free port of 127.0.0.1 and says which on stdout: {"port": N}. Appends a line to
JOURNAL before it answers a request: {"records": [...]} or {"refused": why, "status": N}.

Nothing here reads OTLP: OpenTelemetry's own classes do. What is in JSON is read twice, by
OpenTelemetry's decoder of OTLP/JSON and by protobuf's of JSON in general, and refused where
the two do not agree: the first knows that ids are hexadecimal and enumerations numbers, the
second refuses names that are none and numbers out of range.
"""

import base64
import gzip
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

sys.path.insert(0, sys.argv[1])

from google.protobuf import json_format  # noqa: E402
from google.protobuf.unknown_fields import UnknownFieldSet  # noqa: E402
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as proto  # noqa: E402
from opentelemetry.proto_json.collector.logs.v1 import logs_service as otlp_json  # noqa: E402

LONGEST = 64 << 20
IDS = {"traceId": 16, "spanId": 8}


class Refused(Exception):
    def __init__(self, status, why):
        super().__init__(why)
        self.status = status


def decode(content_type, body):
    """The request, in the canonical form of OTLP/JSON."""
    if content_type == "application/json":
        return decode_json(body)
    if content_type == "application/x-protobuf":
        message = proto.ExportLogsServiceRequest.FromString(body)
        refuse_unknown_fields(message)
        return canonical(message)
    raise Refused(415, f"content type {content_type!r}")


def decode_json(body):
    document = json.loads(
        body.decode(), object_pairs_hook=without_duplicates, parse_constant=refuse_constant
    )
    by_otlp = otlp_json.ExportLogsServiceRequest.from_dict(document).to_dict()
    with_base64 = convert_ids(document, lambda text: base64.b64encode(bytes.fromhex(text)).decode())
    message = json_format.ParseDict(with_base64, proto.ExportLogsServiceRequest())
    by_protobuf = canonical(message)
    if by_otlp != by_protobuf:
        raise ValueError(f"not OTLP/JSON: read as {by_otlp} and as {by_protobuf}")
    return by_protobuf


def without_duplicates(pairs):
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError(f"a name twice in one object: {[name for name, _ in pairs]}")
    return dict(pairs)


def refuse_constant(name):
    raise ValueError(f"{name} is not JSON")


def canonical(message):
    document = json_format.MessageToDict(message, use_integers_for_enums=True)
    return convert_ids(document, lambda text: base64.b64decode(text).hex())


def convert_ids(document, convert):
    """The document with its ids converted, and checked: they are where records are."""
    document = json.loads(json.dumps(document))
    for resource in document.get("resourceLogs", []):
        for scope in resource.get("scopeLogs", []):
            for record in scope.get("logRecords", []):
                for name in IDS.keys() & record.keys():
                    record[name] = convert(record[name])
    return document


def refuse_unknown_fields(message):
    """Protobuf keeps them; a sender of ours has none."""
    unknown = [field.field_number for field in UnknownFieldSet(message)]
    if unknown:
        raise ValueError(f"{message.DESCRIPTOR.name} has unknown fields {unknown}")
    for field, value in message.ListFields():
        if field.message_type is not None:
            for part in value if field.is_repeated else [value]:
                refuse_unknown_fields(part)


def flatten(request):
    """One object for each record, with plain values."""
    for resource in request.get("resourceLogs", []):
        for scope in resource.get("scopeLogs", []):
            for record in scope.get("logRecords", []):
                for name, length in IDS.items():
                    if len(record.get(name, "")) not in (0, 2 * length):
                        raise ValueError(f"{name} {record[name]!r} is not of {length} bytes")
                flat = dict(record)
                flat["attributes"] = attributes(record)
                flat["body"] = plain(record.get("body", {}))
                flat["resource"] = attributes(resource.get("resource", {}))
                of_scope = scope.get("scope", {})
                flat["scope"] = {**of_scope, "attributes": attributes(of_scope)}
                yield flat


def attributes(holder):
    pairs = [(pair.get("key", ""), plain(pair.get("value", {}))) for pair in holder.get("attributes", [])]
    if any(key == "" for key, _ in pairs):
        raise ValueError("an attribute without a key")
    return without_duplicates(pairs)


def plain(value):
    if not value:
        return None
    ((kind, content),) = value.items()
    if kind == "intValue":
        return int(content)
    if kind == "arrayValue":
        return [plain(item) for item in content.get("values", [])]
    if kind == "kvlistValue":
        return attributes({"attributes": content.get("values", [])})
    return content


def note(line):
    with writing:
        journal.write(json.dumps(line) + "\n")
        journal.flush()


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        content_type = self.headers.get_content_type()
        try:
            body = self.body()
            if self.path != "/v1/logs":
                raise Refused(404, f"path {self.path!r}")
            records = list(flatten(decode(content_type, body)))
        except Refused as refused:
            self.refuse(refused.status, str(refused))
        except Exception as error:  # Whatever the decoders raise: the request is at fault.
            self.refuse(400, f"{type(error).__name__}: {error}")
        else:
            note({"records": records})
            self.answer(200, content_type, b"{}" if content_type == "application/json" else b"")

    def do_GET(self):
        self.refuse(405, f"method {self.command}")

    do_PUT = do_GET

    def body(self):
        encoding = self.headers.get("content-encoding", "identity")
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            body = b"".join(self.chunks())
        else:
            length = int(self.headers.get("content-length", 0))
            if length > LONGEST:
                raise Refused(413, f"{length} bytes")
            body = self.rfile.read(length)
        if encoding == "gzip":
            return gzip.decompress(body)
        if encoding != "identity":
            raise Refused(415, f"content encoding {encoding!r}")
        return body

    def chunks(self):
        while size := int(self.rfile.readline().split(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass

    def refuse(self, status, why):
        note({"refused": why, "status": status})
        # google.rpc.Status, in JSON: the specification asks for one.
        self.close_connection = True
        self.answer(status, "application/json", json.dumps({"message": why}).encode())

    def answer(self, status, content_type, body):
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(body)))
        if self.close_connection:
            self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


writing = threading.Lock()
with open(sys.argv[2], "a", encoding="ascii") as journal:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    print(json.dumps({"port": server.server_port}), flush=True)
    server.serve_forever()
