"""A model server faked at the wire: the last message of a request is, as JSON, the answer it will get.

`{"status", "type", "body", "missing", "stay"}`: `missing` bytes are promised and never sent; `stay` keeps the
connection open after the body. The body `echo` answers with the request itself, as the text of a reply.
"""

from __future__ import annotations

import argparse
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_CHOICE = {"index": 0, "finish_reason": "stop"}


class Handler(BaseHTTPRequestHandler):
    """Answers health checks, and completions as they ask for."""

    healthy = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self.send_response(200 if self.healthy else 503)
        self.end_headers()

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        wanted: dict[str, Any] = json.loads(request["messages"][-1]["content"])
        body = wanted["body"].encode()
        if wanted["body"] == "echo":
            chunk = {"choices": [{**_CHOICE, "delta": {"content": json.dumps({**request, "path": self.path})}}]}
            body = f"data: {json.dumps(chunk)}\n\n".encode()
        self.send_response(wanted.get("status", 200))
        self.send_header("Content-Type", wanted.get("type", "text/event-stream"))
        if "missing" in wanted:
            self.send_header("Content-Length", str(len(body) + wanted["missing"]))
        self.end_headers()
        self.wfile.write(body)
        if wanted.get("stay"):
            self.wfile.flush()
            threading.Event().wait(60)


def main() -> None:
    """Serve until killed."""
    options = argparse.ArgumentParser()
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--sick", action="store_true")
    chosen = options.parse_args()
    Handler.healthy = not chosen.sick
    ThreadingHTTPServer(("127.0.0.1", chosen.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
