"""An example of what receives Sitrep's webhooks: checks each signature and acts once per id. Standard library only.

    SECRET=whsec_… python demo/receiver.py 8400

Answers 204 where it took an item or had it already, 401 where the signature is wrong or the request too old.
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

TOLERANCE_SECONDS = 300


def verified(secret: str, headers, body: bytes, *, now: float) -> bool:
    """Whether a request was signed with the secret, lately."""
    ident, moment = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not moment.isdecimal() or abs(now - int(moment)) > TOLERANCE_SECONDS:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{ident}.{moment}.".encode() + body, hashlib.sha256).digest()
    expected = "v1," + base64.b64encode(digest).decode()
    return any(hmac.compare_digest(expected, given) for given in headers.get("webhook-signature", "").split())


class Receiver(BaseHTTPRequestHandler):
    seen: ClassVar[set[str]] = (
        set()
    )  # in earnest: a table with a unique key, written with the effect in one transaction

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if not verified(os.environ["SECRET"], self.headers, body, now=time.time()):
            self.send_response(401)
        else:
            if self.headers["webhook-id"] not in self.seen:
                self.seen.add(self.headers["webhook-id"])
                item = json.loads(body)
                print(item["queue"], item["data"]["id"], (item["data"].get("urgency") or {}).get("id"))
            self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Requests are not logged: ids of reports are nobody else's business."""


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
