"""Webhooks: signed, sent to checked addresses only, counted one by one, de-duplicated by who receives them."""

from __future__ import annotations

import base64
import importlib.util
import ipaddress
import json
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ConfigurationError
from pipeline.route.destinations import DeliveryFailed, Message
from pipeline.route.webhook import Webhook, is_public, sign

SECRET = "whsec_" + base64.b64encode(b"k" * 24).decode()
OLDER = "whsec_" + base64.b64encode(b"o" * 32).decode()
spec = importlib.util.spec_from_file_location("receiver", Path(__file__).parents[2] / "demo" / "receiver.py")
assert spec is not None
assert spec.loader is not None
receiver = importlib.util.module_from_spec(spec)
spec.loader.exec_module(receiver)


def message(number: int, queue: str = "investigations", **data: Any) -> Message:
    payload = {
        "id": f"A{number}", "report": f"R{number}", "batch": "b", "sha256": "0" * 64, "report_date": "2025-02-14",
        "language": "en", "violations": [{"id": "unlawful_killing", "probability": 0.9, "decided": True, "evidence": []}],
        "urgency": {"id": "high", "probabilities": {"high": 1.0}, "evidence": [{"start": 0, "end": 9, "score": 1.0}]},
        "places": [{"text": "Gao"}], "flags": [], "corroborates": ["R9"], "model": "m", "policy": "1", "taxonomy": "1",
        "queues": [{"queue": queue, "due": "2025-02-14T18:00:00Z", "reason": "unlawful_killing 0.90"}], **data,
    }  # fmt: skip
    return Message(f"key-{number}", queue, "b", f"R{number}", "high", 1, datetime(2025, 2, 14, 18, tzinfo=UTC), payload)


def ids_and_urgency(queue: str) -> dict[str, Any]:
    """What may be told of message 1 where its queue is restricted."""
    return {
        "id": "A1", "report": "R1", "batch": "b", "model": "m", "policy": "1", "taxonomy": "1",
        "urgency": {"id": "high"}, "queues": [{"queue": queue, "due": "2025-02-14T18:00:00Z"}],
    }  # fmt: skip


class Server:
    """Answers with the statuses it is given, in turn; keeps what it took."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.headers: dict[str, str] = {}
        self.cut_off = False
        self.taken: list[tuple[Any, bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                outer.taken.append((self.headers, body))
                if outer.cut_off:
                    self.close_connection = True
                    return
                self.send_response(outer.statuses.pop(0) if outer.statuses else 204)
                for name, value in outer.headers.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.http = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_port}/hook?from=sitrep"


@pytest.fixture
def server(socket_enabled: None) -> Iterator[Server]:
    made = Server()
    yield made
    made.http.shutdown()
    made.http.server_close()


def hook(server: Server, **options: Any) -> Webhook:
    return Webhook(server.url, (SECRET,), allow_private=True, **options)


def test_the_example_receiver_accepts_what_we_send_and_nothing_altered(server: Server) -> None:
    hook(server).send([message(1)])
    ((headers, body),) = server.taken
    assert receiver.verified(SECRET, headers, body, now=time.time())
    assert not receiver.verified(SECRET, headers, body + b" ", now=time.time())
    assert not receiver.verified(OLDER, headers, body, now=time.time())
    assert not receiver.verified(SECRET, headers, body, now=time.time() + 3600)
    assert json.loads(body)["data"]["id"] == "A1"


def test_both_secrets_sign_while_one_is_replaced(server: Server) -> None:
    Webhook(server.url, (SECRET, OLDER), allow_private=True).send([message(1)])
    ((headers, body),) = server.taken
    assert all(receiver.verified(s, headers, body, now=time.time()) for s in (SECRET, OLDER))


def test_the_signature_is_that_of_the_specification() -> None:
    """The example of the Standard Webhooks libraries."""
    assert (
        sign(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1614265330,
            b'{"test": 2432232314}',
        )
        == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


def test_what_was_taken_before_a_failure_is_not_sent_again(server: Server) -> None:
    server.statuses = [204, 503]
    server.headers = {"Retry-After": "120"}
    with pytest.raises(DeliveryFailed, match="HTTP 503") as caught:
        hook(server).send([message(1), message(2), message(3)])
    assert (caught.value.sent, caught.value.tried, caught.value.retry_after) == (["key-1"], ["key-2"], 120)
    assert len(server.taken) == 2


@pytest.mark.parametrize("status", [301, 400, 401, 404, 500])
def test_anything_but_success_is_a_failure_and_no_redirect_is_followed(server: Server, status: int) -> None:
    server.statuses, server.headers = [status], {"Location": server.url}
    with pytest.raises(DeliveryFailed, match=f"HTTP {status}"):
        hook(server).send([message(1)])
    assert len(server.taken) == 1


def test_a_cut_connection_is_a_failure_without_words_of_the_report(server: Server) -> None:
    server.cut_off = True
    with pytest.raises(DeliveryFailed) as caught:
        hook(server).send([message(1, text="Aminatou Sekele")])
    assert "Sekele" not in str(caught.value)


def test_of_a_restricted_queue_ids_and_urgency_alone_are_sent(server: Server) -> None:
    hook(server, minimal=frozenset({"conduct-and-discipline"})).send([message(1, "conduct-and-discipline")])
    ((_, body),) = server.taken
    assert json.loads(body)["data"] == ids_and_urgency("conduct-and-discipline")


@pytest.mark.parametrize("url", ["http://example.org/hook", "ftp://example.org", "https://", "file:///etc/passwd"])
def test_addresses_that_are_not_https_are_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="https"):
        Webhook(url, (SECRET,))


def test_an_address_with_an_impossible_port_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="Port out of range"):
        Webhook("https://cases.example.org:99999/hook", (SECRET,))


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="24 random bytes"):
        Webhook("https://example.org/", ("whsec_c2hvcnQ=",))


def test_a_name_that_leads_inside_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "socket.getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("203.0.113.9", 443)), (2, 1, 6, "", ("10.0.0.7", 443))]
    )
    with pytest.raises(DeliveryFailed, match="not a public address"):
        Webhook("https://innocent.example/", (SECRET,)).send([message(1)])


INNER = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255",
    "::1", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:a00:1", "64:ff9b::7f00:1", "2002:7f00:1::", "::",
]  # fmt: skip


@pytest.mark.parametrize("address", INNER)
def test_inner_addresses_in_every_dress_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses_are(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_a_wrapped_address_is_as_public_as_what_it_wraps(address: ipaddress.IPv4Address) -> None:
    assert is_public(f"::ffff:{address}") == is_public(str(address))


@contextmanager
def lying(say: Callable[[socket.socket], None], *, speaks_first: bool = False) -> Iterator[int]:
    """A server that answers as it likes; its port."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                if not speaks_first:
                    self.request.recv(65536)
                say(self.request)

    class Threads(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Threads(("127.0.0.1", 0), Handler) as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield int(made.server_address[1])
        made.shutdown()


def drip(taken: socket.socket) -> None:
    """A header a byte at a time, without an end."""
    taken.sendall(b"HTTP/1.1 200 OK\r\nx: ")
    for _ in range(10_000):
        taken.sendall(b"a")
        time.sleep(0.02)


def drip_a_body(taken: socket.socket) -> None:
    taken.sendall(b"HTTP/1.1 204 No Content\r\ncontent-length: 1000000\r\n\r\n")
    drip(taken)


LIARS: dict[str, tuple[Callable[[socket.socket], None], str]] = {
    "silence": (lambda taken: time.sleep(1), "TimeoutError"),
    "a header without an end": (drip, "TimeoutError"),
    "no HTTP": (lambda taken: taken.sendall(b"220 mail.example ESMTP\r\n" * 9), "BadStatusLine"),
    "half an answer": (lambda taken: taken.sendall(b"HTTP/1.1 20"), "BadStatusLine|ConnectionResetError"),
    "a status that is none": (lambda taken: taken.sendall(b"HTTP/1.1 two\r\n\r\n"), "BadStatusLine"),
    "headers without number": (lambda taken: taken.sendall(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 500), "HTTPException"),
    "a reset": (lambda taken: taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)),
                "RemoteDisconnected|ConnectionResetError|BrokenPipeError"),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIARS)
def test_a_receiver_that_lies_or_stalls_is_given_up(
    lie: str, monkeypatch: pytest.MonkeyPatch, socket_enabled: None
) -> None:
    monkeypatch.setattr("pipeline.route.webhook.TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr("pipeline.route.webhook.LONGEST_SECONDS", 0.4)
    say, named = LIARS[lie]
    with lying(say) as port, pytest.raises(DeliveryFailed, match=named) as caught:
        Webhook(f"http://127.0.0.1:{port}/", (SECRET,), allow_private=True).send([message(1), message(2)])
    assert (caught.value.sent, caught.value.tried, caught.value.refused) == ([], ["key-1"], False)


def test_the_answer_counts_and_its_body_is_not_waited_for(socket_enabled: None) -> None:
    with lying(drip_a_body) as port:
        assert Webhook(f"http://127.0.0.1:{port}/", (SECRET,), allow_private=True).send([message(1)]) == {}


def test_a_slow_receiver_gets_no_more_than_fits_into_the_lease(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.route.destinations.SEND_SECONDS", 0.0)
    left = hook(server).send([message(1), message(2), message(3)])
    assert len(server.taken) == 1
    assert left.keys() == {"key-2", "key-3"}


def test_times_are_seconds_since_1970(server: Server) -> None:
    moment: Callable[[], datetime] = lambda: datetime(2025, 2, 14, tzinfo=UTC)  # noqa: E731
    hook(server, now=moment).send([message(1)])
    assert server.taken[0][0]["webhook-timestamp"] == "1739491200"
