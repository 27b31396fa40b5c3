"""Answers with what Python reads of a webhook: json, urllib.parse, csv and ElementTree, and what Flask's request.form reads where
Werkzeug is installed. Started by receivers_test.go: python3 receiver.py"""
import csv
import io
import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qsl, urlsplit
from xml.etree import ElementTree

try:
    from werkzeug.wrappers import Request
except ImportError:
    Request = None


def read_flask(method, query, content_type, body):
    request = Request({
        "REQUEST_METHOD": method, "QUERY_STRING": query, "CONTENT_TYPE": content_type,
        "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body),
    })
    raw = len(request.get_data())  # which must come first
    fields = request.args if method == "GET" else request.form
    return {"raw": raw, "fields": list(fields.items(multi=True))}


def read_xml(element):
    elements = [read_xml(child) for child in element]
    return [element.tag, element.attrib, elements or element.text]


def read(method, query, content_type, body):
    """Returns functions that read, by the names of what they use."""
    kind = content_type.split(";")[0]
    if kind == "application/json":
        return {"Python": lambda: {"tree": json.loads(body)}}
    if kind == "text/plain":
        return {"Python": lambda: {"tree": body.decode()}}
    if kind == "text/csv":
        return {"Python": lambda: {"tree": list(csv.reader(io.StringIO(body.decode(), newline="")))}}
    if kind == "application/xml":
        return {"Python": lambda: {"tree": read_xml(ElementTree.fromstring(body))}}
    readers = {}
    if method == "GET" or kind == "application/x-www-form-urlencoded":
        text = query if method == "GET" else body.decode()
        readers["Python"] = lambda: {"fields": parse_qsl(text, keep_blank_values=True)}
    if Request:
        readers["Flask"] = lambda: read_flask(method, query, content_type, body)
    return readers


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        content_type = self.headers.get("Content-Type", "")
        query = urlsplit(self.path).query
        answer = {}
        for name, reader in read(self.command, query, content_type, body).items():
            try:
                answer[name] = {"raw": len(body), "header": self.headers["X-Text"], **reader()}
            except Exception as e:
                answer[name] = {"error": repr(e)}
        text = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST

    def log_message(self, *args):
        pass


server = HTTPServer(("127.0.0.1", 0), Handler)
print("http://127.0.0.1:%d" % server.server_port, flush=True)
server.serve_forever()
