"""Digests by e-mail, against a real SMTP server on this machine: whole or not at all, and never a word of a report."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from time import sleep
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ConfigurationError
from pipeline.route.destinations import DeliveryFailed, Message
from pipeline.route.quiet import QuietHours
from pipeline.route.smtp import EmailDigest
from tests.route.test_webhook import lying

NOON = datetime(2025, 2, 14, 12, tzinfo=UTC)
NIGHT = datetime(2025, 2, 14, 23, tzinfo=UTC)
QUIET = QuietHours.parse("22:00-06:30", zone="UTC")


def message(number: int, *, queue: str = "investigations", rank: int = 1) -> Message:
    urgency = ("critical", "high", "medium", "low")[rank]
    due = NOON + timedelta(hours=number)
    return Message(f"key-{number}", queue, "b", f"R{number}", urgency, rank, due, {"text": "Aminatou Sekele saw it"})


class Taken:
    """What a server took; `answers` to recipients by address."""

    def __init__(self) -> None:
        self.mails: list[tuple[Envelope, EmailMessage]] = []
        self.answers: dict[str, str] = {}
        self.at_the_end = "250 taken"
        self.port = 0

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        answer = self.answers.get(address, "250 ok")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        assert isinstance(content, bytes)
        if self.at_the_end.startswith("250"):
            self.mails.append((envelope, message_from_bytes(content, policy=default)))  # type: ignore[arg-type]
        return self.at_the_end


class AnyPort(Controller):
    """On a port that the system chooses."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1, and its key."""
    import ipaddress

    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name.from_rfc4514_string("CN=mail")
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    (folder / "certificate.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )  # fmt: skip
    return folder / "certificate.pem", folder / "key.pem"


Start = Callable[..., Taken]


@pytest.fixture
def start(socket_enabled: None, certificate: tuple[Path, Path]) -> Iterator[Start]:
    """Starts servers: with STARTTLS, with TLS from the beginning, or without."""
    running: list[Controller] = []

    def starting(*, security: str = "starttls", password: str | None = None) -> Taken:
        taken, context = Taken(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*certificate)
        options: dict[str, Any] = {}
        if security == "starttls":
            options |= {"tls_context": context, "require_starttls": True}
        elif security == "tls":
            options |= {"ssl_context": context}
        if password is not None:

            def check(_server: SMTP, _session: Session, _envelope: Envelope, _way: str, data: Any) -> AuthResult:
                assert isinstance(data, LoginPassword)
                return AuthResult(success=(data.login, data.password) == (b"sitrep", password.encode()))

            options |= {"authenticator": check, "auth_required": True}
        controller = AnyPort(taken, hostname="127.0.0.1", port=0, **options)
        controller.start()
        taken.port = controller.port
        running.append(controller)
        return taken

    yield starting
    for controller in running:
        controller.stop()


@pytest.fixture
def digest(certificate: tuple[Path, Path]) -> Callable[..., EmailDigest]:
    def making(port: int = 1, **options: Any) -> EmailDigest:
        values: dict[str, Any] = {
            "host": "127.0.0.1", "sender": "Sitrep <sitrep@desk.example>", "recipients": ("ada@desk.example",),
            "ca_file": str(certificate[0]), "now": lambda: NOON,
        }  # fmt: skip
        return EmailDigest(port=port, **{**values, **options})

    return making


Make = Callable[..., EmailDigest]


@pytest.mark.parametrize("security", ["starttls", "tls", "none"])
def test_one_mail_lists_the_items_most_urgent_first_and_no_word_of_them(
    security: str, start: Start, digest: Make
) -> None:
    server = start(security=security)
    made = digest(server.port, security=security, page="https://desk.example/")
    assert made.send([message(3), message(1), message(2, rank=0)]) == {}
    ((envelope, mail),) = server.mails
    assert (envelope.mail_from, envelope.rcpt_tos) == ("sitrep@desk.example", ["ada@desk.example"])
    assert mail["subject"] == "Sitrep: 3 items in investigations, 1 critical"
    assert mail["auto-submitted"] == "auto-generated"
    assert mail.get_content().splitlines()[:3] == [
        "critical  due 2025-02-14 14:00 UTC  R2  https://desk.example/queues/investigations/R2",
        "high      due 2025-02-14 13:00 UTC  R1  https://desk.example/queues/investigations/R1",
        "high      due 2025-02-14 15:00 UTC  R3  https://desk.example/queues/investigations/R3",
    ]
    assert "Sekele" not in mail.as_string()


def test_a_password_is_given_under_tls(start: Start, digest: Make) -> None:
    server = start(password="four horses")
    digest(server.port, username="sitrep", password="four horses").send([message(1)])
    assert len(server.mails) == 1
    with pytest.raises(DeliveryFailed, match=r"SMTPAuthenticationError 535|SMTPServerDisconnected") as caught:
        digest(server.port, username="sitrep", password="five horses").send([message(1)])
    assert "horses" not in repr(caught.value) + repr(digest(password="five horses"))


def test_a_server_without_tls_gets_nothing(start: Start, digest: Make) -> None:
    server = start(security="none")
    with pytest.raises(DeliveryFailed, match="SMTPNotSupportedError"):
        digest(server.port).send([message(1)])
    assert server.mails == []


def test_a_certificate_of_nobody_known_is_refused(start: Start, digest: Make) -> None:
    server = start()
    with pytest.raises(DeliveryFailed, match="SSLCertVerificationError"):
        digest(server.port, ca_file=None).send([message(1)])
    assert server.mails == []


def test_a_refused_recipient_stops_the_mail_for_all(start: Start, digest: Make) -> None:
    server = start()
    server.answers["bo@desk.example"] = "550 no such person"
    two = digest(server.port, recipients=("ada@desk.example", "bo@desk.example"))
    with pytest.raises(DeliveryFailed, match="SMTPResponseException 550") as caught:
        two.send([message(1), message(2)])
    assert (caught.value.tried, caught.value.refused) == (["key-1", "key-2"], False)
    assert server.mails == []


def test_a_mail_that_is_not_taken_in_the_end_is_a_failure(start: Start, digest: Make) -> None:
    server = start()
    server.at_the_end = "451 later"
    with pytest.raises(DeliveryFailed, match="451"):
        digest(server.port).send([message(1)])


def test_nobody_there_is_a_failure(digest: Make, socket_enabled: None) -> None:
    with pytest.raises(DeliveryFailed, match="ConnectionRefusedError"):
        digest(1).send([message(1)])


def drip(taken: socket.socket) -> None:
    for _ in range(10_000):
        taken.sendall(b"220-welcome\r\n")
        sleep(0.02)


LIARS: dict[str, tuple[Callable[[socket.socket], None], str]] = {
    "silence": (lambda taken: sleep(1), "SMTPServerDisconnected|TimeoutError"),
    "a greeting without an end": (drip, "TimeoutError"),
    "a line without an end": (lambda taken: taken.sendall(b"220 " + b"a" * 100_000), "SMTPResponseException 500"),
    "a refusal": (lambda taken: taken.sendall(b"554 go away\r\n"), "SMTPResponseException 554"),
    "no SMTP": (lambda taken: taken.sendall(b"HTTP/1.1 200 OK\r\n\r\n"), "SMTP"),
    "the end": (lambda taken: taken.close(), "SMTPServerDisconnected|ConnectionResetError"),
}


@pytest.mark.parametrize("lie", LIARS)
def test_a_server_that_lies_or_stalls_is_given_up(
    lie: str, digest: Make, monkeypatch: pytest.MonkeyPatch, socket_enabled: None
) -> None:
    monkeypatch.setattr("pipeline.route.smtp.TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr("pipeline.route.smtp.LONGEST_SECONDS", 0.4)
    say, named = LIARS[lie]
    with lying(say, speaks_first=True) as port, pytest.raises(DeliveryFailed, match=named) as caught:
        digest(port, security="none").send([message(1), message(2)])
    assert (list(caught.value.sent), caught.value.tried) == ([], ["key-1", "key-2"])


def test_the_same_items_are_the_same_mail(digest: Make) -> None:
    first, again = (digest().compose([message(n) for n in order])["message-id"] for order in ((1, 2), (2, 1)))
    assert first == again
    assert first.endswith("@desk.example>")
    assert digest().compose([message(1)])["message-id"] != first


def test_of_a_restricted_queue_neither_name_nor_items_are_linked(digest: Make) -> None:
    made = digest(minimal=frozenset({"conduct-and-discipline"}), page="https://desk.example")
    mail = made.compose([message(1, queue="conduct-and-discipline")])
    assert mail["subject"] == "Sitrep: 1 item in a restricted queue"
    assert "conduct" not in mail.as_string()
    assert mail.get_content().splitlines()[:3] == [
        "high      due 2025-02-14 13:00 UTC  R1", "", "https://desk.example/"
    ]  # fmt: skip


def test_at_night_only_what_is_critical_is_sent(start: Start, digest: Make) -> None:
    server = start()
    night = digest(server.port, quiet=QUIET, now=lambda: NIGHT)
    left = night.send([message(1), message(2, rank=0), message(3)])
    assert left == dict.fromkeys(["key-1", "key-3"], datetime(2025, 2, 15, 6, 30, tzinfo=UTC))
    assert [mail["subject"] for _, mail in server.mails] == ["Sitrep: 1 item in investigations, 1 critical"]
    assert night.send([message(1)]).keys() == {"key-1"}
    assert len(server.mails) == 1
    assert digest(server.port, quiet=QUIET).send([message(1), message(3)]) == {}


def test_without_tls_only_this_machine_is_written_to(digest: Make) -> None:
    with pytest.raises(ConfigurationError, match="without TLS only to this machine"):
        digest(host="mail.example.org", security="none")


@pytest.mark.parametrize("address", ["ada", "ada@desk.example\r\nBcc: eve@example.org", ""])
def test_what_is_no_address_is_refused(address: str, digest: Make) -> None:
    with pytest.raises(ConfigurationError, match="is no address"):
        digest(recipients=(address,))


ZONES = ["UTC", "Africa/Juba", "Europe/Paris", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe"]
MINUTES = st.integers(0, 24 * 60 - 1).map(lambda minutes: time(minutes // 60, minutes % 60))


@given(st.sampled_from(ZONES), MINUTES, MINUTES, st.datetimes(datetime(2024, 1, 1), datetime(2026, 1, 1)))
def test_quiet_ends_and_then_it_is_not_quiet(zone: str, start: time, end: time, moment: datetime) -> None:
    """Across every change of the clocks: an end lies ahead, less than a day and the change away."""
    if start == end:
        return
    quiet, now = QuietHours(start, end, ZoneInfo(zone)), moment.replace(tzinfo=UTC)
    until = quiet.until(now)
    clock = now.astimezone(ZoneInfo(zone)).time()
    inside = start <= clock < end if start < end else not end <= clock < start
    assert (until is not None) == inside
    if until is not None:
        assert timedelta(0) < until - now <= timedelta(hours=25)


@pytest.mark.parametrize("words", ["22:00", "22-06-07", "25:00-06:00", "06:00-06:00", "late"])
def test_what_is_no_span_of_quiet_hours_is_refused(words: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        QuietHours.parse(words, zone="UTC")
