"""A mail server of the tests' own: as much of IMAP (RFC 9051) over TLS, on loopback, as reading a mailbox takes."""

from __future__ import annotations

import re
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, SECRET = "desk", "seven geese"


@dataclass
class Letters:
    """The folder's mails by UID, which of them were seen, and what the client asked for."""

    mails: dict[int, bytes]
    seen: set[int] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    hang_up_at: str | None = None
    sizes: dict[int, int] = field(default_factory=dict)


class Session(socketserver.StreamRequestHandler):
    letters: Letters

    def handle(self) -> None:
        self.say("* OK ready")
        while line := self.rfile.readline():
            tag, _, command = line.decode().strip().partition(" ")
            self.letters.asked.append(command)
            if self.letters.hang_up_at and command.startswith(self.letters.hang_up_at):
                return
            self.say(f"{tag} {self.answer(command)}")
            if command == "LOGOUT":
                return

    def say(self, words: str) -> None:
        self.wfile.write(words.encode() + b"\r\n")

    def answer(self, command: str) -> str:
        letters = self.letters
        if command == "CAPABILITY":
            self.say("* CAPABILITY IMAP4rev1")
        elif command.startswith("LOGIN"):
            return "OK in" if command == f'LOGIN {USER} "{SECRET}"' else "NO wrong"
        elif command.startswith("SELECT"):
            if command != 'SELECT "Field reports"':
                return "NO no such folder"
            self.say(f"* {len(letters.mails)} EXISTS")
            return "OK [READ-WRITE] open"
        elif command == "UID SEARCH UNSEEN":
            self.say("* SEARCH " + " ".join(str(uid) for uid in letters.mails if uid not in letters.seen))
        elif found := re.fullmatch(r"UID FETCH (\d+) \(RFC822\.SIZE\)", command):
            uid = int(found[1])
            self.say(f"* 1 FETCH (UID {uid} RFC822.SIZE {letters.sizes.get(uid, len(letters.mails[uid]))})")
        elif found := re.fullmatch(r"UID FETCH (\d+) \(BODY\.PEEK\[\]\)", command):
            mail = letters.mails[int(found[1])]
            self.say(f"* 1 FETCH (UID {found[1]} BODY[] {{{len(mail)}}}")
            self.wfile.write(mail)
            self.say(")")
        elif found := re.fullmatch(r"UID STORE (\d+) \+FLAGS\.SILENT \(\\Seen\)", command):
            letters.seen.add(int(found[1]))
        elif command == "LOGOUT":
            self.say("* BYE")
        else:
            return "BAD unknown"
        return "OK done"


@contextmanager
def mail_server(letters: Letters, folder: Path) -> Iterator[int]:
    """Serve the letters; the port. `folder` gets the certificate, `ca.pem`."""
    certificate, key = folder / "ca.pem", folder / "key.pem"
    certify(certificate, key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads, allow_reuse_address = True, True

        def get_request(self) -> tuple[ssl.SSLSocket, object]:
            plain, address = super().get_request()
            return context.wrap_socket(plain, server_side=True), address

    handler = type("Handler", (Session,), {"letters": letters})
    with Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def certify(certificate: Path, key_file: Path) -> None:
    """Write a certificate of 127.0.0.1 that signs itself, and its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.example.org")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
