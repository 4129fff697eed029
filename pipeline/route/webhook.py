"""A destination that is called over https: one signed request for each item, after the Standard Webhooks specification.

The receiver checks `webhook-signature` (HMAC-SHA256 over id, time and body) and acts once per `webhook-id`, which is the
same on every try. No redirect is followed, and the request goes to an address that was checked to be public: the name is
resolved once, so that it cannot turn into an inner address between the check and the call (DNS rebinding).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import http.client
import ipaddress
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from pipeline.errors import ConfigurationError
from pipeline.route.deadline import at_most
from pipeline.route.destinations import DeliveryFailed, Message, item_body, one_by_one

TIMEOUT_SECONDS = 15.0
LONGEST_SECONDS = 30.0
REFUSED = (400, 409, 413, 415, 422)
"""Answers that are about the item, not about the receiver: the next item may be taken (RFC 9110, section 15.5)."""


@dataclass(frozen=True)
class Webhook:
    """`secrets` are `whsec_…`, the newest first: during a rotation each signs. `minimal` names queues of which ids and
    urgency alone are sent. `allow_private` lets it be an inner address, and plain http."""

    url: str
    secrets: tuple[str, ...]
    minimal: frozenset[str] = frozenset()
    allow_private: bool = False
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            _ = parts.port  # looked at only now
        except ValueError as error:
            raise ConfigurationError(f"webhook: its address is none: {error}") from error
        if parts.scheme not in (("https", "http") if self.allow_private else ("https",)) or not parts.hostname:
            raise ConfigurationError(f"webhook {parts.hostname or self.url!r}: the address must start with https://")
        for secret in self.secrets:
            key_of(secret)

    def send(self, messages: Sequence[Message]) -> Mapping[str, datetime]:
        return one_by_one(messages, self._post, now=self.now)

    def _post(self, message: Message) -> None:
        body = item_body(message, minimal=self.minimal)
        moment = int(self.now().timestamp())
        headers = {
            "content-type": "application/json",
            "webhook-id": message.key,
            "webhook-timestamp": str(moment),
            "webhook-signature": " ".join(sign(s, message.key, moment, body) for s in self.secrets),
            "user-agent": "sitrep",
        }
        parts = urlsplit(self.url)
        host, port = str(parts.hostname), parts.port or (443 if parts.scheme == "https" else 80)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            address = checked_address(host, port, allow_private=self.allow_private)
            connection = _Checked(address, host, port, secure=parts.scheme == "https")
            try:
                with at_most(LONGEST_SECONDS, connection):
                    connection.request("POST", path, body=body, headers=headers)
                    answer = connection.getresponse()
            finally:
                connection.close()
        except (OSError, http.client.HTTPException) as error:
            problem = f"webhook {host}: {error if isinstance(error, NotPublic) else type(error).__name__}"
            raise DeliveryFailed(problem, tried=[message.key]) from error
        if not 200 <= answer.status < 300:
            raise DeliveryFailed(
                f"webhook {host}: HTTP {answer.status}", tried=[message.key],
                refused=answer.status in REFUSED, retry_after=_seconds(answer.getheader("retry-after")),
            )  # fmt: skip


class NotPublic(OSError):
    """An address inside a network, where only public ones may be called."""


def key_of(secret: str) -> bytes:
    """The key in a `whsec_…` secret; ConfigurationError where it is none."""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) < 24:
        raise ConfigurationError("a webhook's secret is whsec_ and at least 24 random bytes in base64")
    return key


def sign(secret: str, ident: str, moment: int, body: bytes) -> str:
    """The signature of a message, `v1,…`."""
    digest = hmac.new(key_of(secret), f"{ident}.{moment}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def checked_address(host: str, port: int, *, allow_private: bool) -> str:
    """The address that a name stands for now; NotPublic where any of its addresses is not."""
    found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if not allow_private and not all(is_public(address) for address in found):
        raise NotPublic("not a public address; allow_private = true permits inner ones")
    return found[0]


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet; wrapped IPv4 addresses count as what they wrap."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        wrapped = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if wrapped is None and ip in _NAT64:
            wrapped = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if wrapped is not None:
            return is_public(str(wrapped))
    return ip.is_global and not ip.is_multicast


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class _Checked(http.client.HTTPConnection):
    """A connection to a checked address, under the name that was asked for."""

    def __init__(self, address: str, host: str, port: int, *, secure: bool) -> None:
        super().__init__(host, port, timeout=TIMEOUT_SECONDS)
        self._address, self._context = address, ssl.create_default_context() if secure else None

    def connect(self) -> None:
        self.sock = socket.create_connection((self._address, self.port), timeout=TIMEOUT_SECONDS)
        if self._context is not None:
            secured = self._context.wrap_socket(self.sock, server_hostname=self.host, do_handshake_on_connect=False)
            self.sock = secured  # before the handshake, so that a slow one can be ended too
            secured.do_handshake()


def _seconds(value: str | None) -> float | None:
    """What `Retry-After` says in seconds; dates are left to our own back-off."""
    return float(value) if value and value.isdecimal() else None
