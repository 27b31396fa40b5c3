"""Answers 200 to what the functions of docs/receivers.md take for genuine, 401 to anything else. The secret comes along."""
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import urlsplit

sys.path.insert(0, os.environ["RINGHOOK_BLOCKS"])
from webhook import verify, verify_body


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if "X-Key" in self.headers:
            if self.command == "GET":
                body = urlsplit(self.path).query.encode()
            genuine = verify_body(self.headers["X-Key"], self.headers, body)
        else:
            genuine = verify(self.headers.get("X-Secret", ""), self.headers, body)
        self.send_response(200 if genuine else 401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST

    def log_message(self, *args):
        pass


server = HTTPServer(("127.0.0.1", 0), Handler)
print("http://127.0.0.1:%d" % server.server_port, flush=True)
server.serve_forever()
