"""A proxy that breaks off its first answers to POST in their midst, as a network does."""

from __future__ import annotations

import threading
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


class CuttingProxy:
    """Forwards to a site; `keys` are the `Idempotency-Key` of the POSTs that came, in their order."""

    def __init__(self, site: str, cuts: int) -> None:
        self.keys: list[str | None] = []
        self._cuts = cuts
        target = urlsplit(site)
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._forward()

            def do_POST(self) -> None:
                proxy.keys.append(self.headers.get("Idempotency-Key"))
                self._forward()

            def log_message(self, *_: object) -> None:
                pass

            def _forward(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                connection = HTTPConnection(target.hostname or "", target.port)
                connection.request(self.command, self.path, body, dict(self.headers))
                answer = connection.getresponse()
                content = answer.read()
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.headers["Content-Type"])
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if self.command == "POST" and proxy._cuts > 0:
                    proxy._cuts -= 1
                    self.wfile.write(content[: len(content) // 2])
                    self.close_connection = True
                    return
                self.wfile.write(content)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.site = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """Stops it."""
        self._server.shutdown()
        self._server.server_close()
