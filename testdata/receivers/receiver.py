"""Answers with what Python reads of a webhook: json and urllib.parse, and what Flask's request.form reads where Werkzeug
is installed. Started by receivers_test.go: python3 receiver.py"""
import io
import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qsl, urlsplit

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


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        content_type = self.headers.get("Content-Type", "")
        query = urlsplit(self.path).query
        if content_type.startswith("application/json"):
            readers = {"Python": lambda: {"tree": json.loads(body)}}
        else:
            readers = {}
            if self.command == "GET":
                readers["Python"] = lambda: {"fields": parse_qsl(query, keep_blank_values=True)}
            elif content_type.startswith("application/x-www-form-urlencoded"):
                readers["Python"] = lambda: {"fields": parse_qsl(body.decode(), keep_blank_values=True)}
            if Request:
                readers["Flask"] = lambda: read_flask(self.command, query, content_type, body)
        answer = {}
        for name, reader in readers.items():
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
