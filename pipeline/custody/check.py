"""Check a proof of custody without the store that it came from.

    python check.py proof.json --key 'desk.example.org+1a2b3c4d+AbCd…' --text report.txt

This file needs Python 3.11 and the package `cryptography`, and nothing else of Sitrep, so that an outsider can read it,
copy it and run it alone. It checks, from the outside in:

1. the head is a signed note (C2SP signed-note and tlog-checkpoint) under a key that the outsider trusts;
2. each event is a leaf of the tree of that head (RFC 9162, section 2.1.3), and its hash covers all that it says;
3. where one event stands for many reports, this report's line is a leaf of the tree that the event names;
4. the lines fit each other: the text that came in is the text that was decided on, reviewed, sent and exported.

docs/custody.md says what that proves, and what it does not.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import sys
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ModuleNotFoundError:
    sys.exit("check.py needs a package that checks signatures: pip install cryptography")

FORMAT = "sitrep-proof/1"
ED25519 = b"\x01"
# Events that stand for many reports: what in their body is the root of a tree with a line for each, and the count of lines.
TREES = {
    "submit": ("reports", "accepted"),
    "triage": ("decisions", "reports"),
    "deliver": ("messages", "sent"),
    "exported": ("reports", "count"),
}
EVENT = ("seq", "at", "actor", "action", "subject", "body", "previous")


class Refused(Exception):
    """What was given does not prove what it says; the message tells which part."""


@dataclass(frozen=True)
class Verifier:
    """Who signs, and the public key to tell it by."""

    name: str
    key_id: bytes
    key: Ed25519PublicKey


@dataclass(frozen=True)
class Head:
    """The state of a log that was signed: how many events, and the root of their tree."""

    origin: str
    size: int
    root: bytes
    at: str
    signed_by: str


def canonical(value: Any) -> bytes:
    """The one spelling of a JSON value that is hashed: sorted keys, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def event_hash(event: Mapping[str, Any]) -> str:
    """SHA-256 of an event, linked to the one before it. `at` is UTC in ISO 8601 with microseconds."""
    return hashlib.sha256(canonical({key: event[key] for key in EVENT})).hexdigest()


def leaf_hash(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_from_path(leaf: bytes, *, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root that an inclusion path leads to from the hash of leaf `index` (from 0) of `size` (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        raise Refused("an inclusion path names a leaf outside of its tree")
    node, last, root = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise Refused("an inclusion path is too long")
        if node % 2 or node == last:
            root = node_hash(sibling, root)
            while not node % 2 and node:
                node, last = node // 2, last // 2
        else:
            root = node_hash(root, sibling)
        node, last = node // 2, last // 2
    if last:
        raise Refused("an inclusion path is too short")
    return root


def key_id(name: str, public: bytes) -> bytes:
    """The four bytes that tell which key signed a note (C2SP signed-note)."""
    return hashlib.sha256(name.encode() + b"\n" + ED25519 + public).digest()[:4]


def read_verifier(words: str) -> Verifier:
    """A verifier key as C2SP signed-note spells it: `name+id+base64`. The base64 may itself hold a plus."""
    try:
        name, ident, encoded = words.strip().split("+", 2)
        raw = _base64(encoded)
        found = Verifier(name, bytes.fromhex(ident), Ed25519PublicKey.from_public_bytes(raw[1:]))
    except ValueError as error:
        raise Refused("a verifier key is not of the form name+id+base64") from error
    if raw[:1] != ED25519 or key_id(name, raw[1:]) != found.key_id:
        raise Refused(f"the verifier key of {name} is damaged: its id is that of another key")
    return found


def read_head(note: str, verifiers: Sequence[Verifier]) -> Head:
    """The head in a signed note; Refused unless one of the keys signed it."""
    body, gap, signatures = note.rpartition("\n\n")
    lines = body.split("\n")
    if not gap or len(lines) < 4 or not signatures.endswith("\n"):
        raise Refused("the head is no signed note")
    text = (body + "\n").encode()
    for line in signatures.removesuffix("\n").split("\n"):
        dash, _, rest = line.partition(" ")
        name, _, encoded = rest.partition(" ")
        try:
            raw = _base64(encoded)
        except ValueError:
            continue
        for verifier in verifiers:
            if dash == "—" and (verifier.name, verifier.key_id) == (name, raw[:4]):
                try:
                    verifier.key.verify(raw[4:], text)
                except InvalidSignature:
                    raise Refused(f"the signature of {name} does not fit the head: it was altered") from None
                return _head(lines, name)
    raise Refused("no key that is trusted here signed the head")


def _head(lines: Sequence[str], signed_by: str) -> Head:
    origin, size, root, at = lines[:4]
    try:
        return Head(origin, int(size), _base64(root), at, signed_by)
    except ValueError as error:
        raise Refused("the head is signed, but is not one that this program can read") from error


def _base64(encoded: str) -> bytes:
    """The bytes, from their one spelling; ValueError for any other, so that no byte of a proof can change unseen."""
    raw = base64.b64decode(encoded, validate=True)
    if base64.b64encode(raw).decode() != encoded:
        raise ValueError("not the one spelling of its bytes")
    return raw


def _hex(spelt: str) -> bytes:
    """A SHA-256 from its one spelling in hex."""
    raw = bytes.fromhex(spelt)
    if raw.hex() != spelt or len(raw) != 32:
        raise ValueError("not the one spelling of a hash")
    return raw


def _path(spelt: Sequence[str]) -> list[bytes]:
    return [_hex(part) for part in _list(spelt)]


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError("not a list")
    return value


def check_proof(proof: Mapping[str, Any], verifiers: Sequence[Verifier], *, text: bytes | None = None) -> list[str]:
    """What a proof proves, a sentence an event; Refused where any part does not hold.

    `text` is the report itself, where the outsider has it.
    """
    try:
        return _check(proof, verifiers, text)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise Refused(f"the proof is incomplete or damaged ({type(error).__name__})") from error


def _check(proof: Mapping[str, Any], verifiers: Sequence[Verifier], text: bytes | None) -> list[str]:
    _fields(proof, {"format", "report", "sha256", "head", "links"}, {"contents"})
    if proof["format"] != FORMAT:
        raise Refused(f"the proof is not of the format {FORMAT}")
    head = read_head(proof["head"], verifiers)
    report, sha256 = proof["report"], proof["sha256"]
    said = [f"{head.origin}: {head.size:,} events, signed by {head.signed_by} at {head.at}"]
    if text is not None:
        if hashlib.sha256(text).hexdigest() != sha256:
            raise Refused("the text is not the one that the proof is about")
        said.append(f"the text is that of report {report}")
    seen = [(link["event"]["seq"], link["event"]["action"]) for link in proof["links"]]
    if not seen or seen[0][1] != "submit" or seen != sorted(set(seen)):
        raise Refused("the events are not in the order in which they happened, from the submission on")
    decisions: set[str] = set()
    reviews: set[str | None] = {None}
    for link in proof["links"]:
        event = link["event"]
        _in_log(event, link["path"], head)
        if event["action"] in TREES:
            _fields(link, {"event", "path", "lines"})
            for leaf in _in_event(event, link["lines"]):
                said.append(_fits(event, leaf, report, sha256, decisions, reviews))
            continue
        _fields(link, {"event", "path"})
        if event["subject"] != report:
            raise Refused(f"event {event['seq']} ({event['action']}) is about another report")
        said.append(_fits(event, (), report, sha256, decisions, reviews))
    if "contents" in proof:
        _fields(proof["contents"], {"decision", "review"})
        for kind, hashes in (("decision", decisions), ("review", reviews)):
            if any(
                hashlib.sha256(canonical(body)).hexdigest() not in hashes for body in _list(proof["contents"][kind])
            ):
                raise Refused(f"a {kind} in the proof is not one that was recorded")
    return said


def _fields(value: Mapping[str, Any], required: Set[str], optional: Set[str] = frozenset()) -> None:
    if not required <= value.keys() <= required | optional:
        raise Refused("the proof has fields that its format does not have, or lacks some")


def _in_log(event: Mapping[str, Any], path: Sequence[str], head: Head) -> None:
    """Refused unless an event is in the tree of the head, at its own place."""
    _fields(event, set(EVENT))
    leaf = leaf_hash(bytes.fromhex(event_hash(event)))
    if root_from_path(leaf, index=event["seq"] - 1, size=head.size, path=_path(path)) != head.root:
        raise Refused(f"event {event['seq']} ({event['action']}) is not in the log that was signed, or was altered")


def _in_event(event: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> list[Sequence[Any]]:
    """The report's lines; Refused unless each is in the tree that the event names."""
    root, size = (event["body"][key] for key in TREES[event["action"]])
    places = [line["index"] for line in lines]
    if not places or places != sorted(set(places)) or any(type(place) is not int for place in places):
        raise Refused(f"the lines of event {event['seq']} ({event['action']}) are not in their order")
    for line in lines:
        _fields(line, {"leaf", "index", "path"})
        leaf = leaf_hash(canonical(line["leaf"]))
        if root_from_path(leaf, index=line["index"], size=size, path=_path(line["path"])).hex() != root:
            raise Refused(f"event {event['seq']} ({event['action']}) does not hold the report's line")
    return [line["leaf"] for line in lines]


def _fits(
    event: Mapping[str, Any], leaf: Sequence[Any], report: str, sha256: str, decisions: set[str], reviews: set[str | None]
) -> str:  # fmt: skip
    """What an event says of the report, after checking that it speaks of the same text, decision and review."""
    action, body, when = event["action"], event["body"], f"{event['at'][:19]}Z  event {event['seq']}: "
    if action == "submit":
        _same(event, leaf[1:], [report, sha256])
        return f"{when}received in batch {event['subject']}, from input {body['input'][:16]}…, text {sha256[:16]}…"
    if action == "triage":
        _same(event, leaf[:1], [sha256])
        decisions.add(leaf[3])
        return f"{when}decided by model {leaf[1]} under policy {leaf[2]}: decision {leaf[3][:16]}…"
    if action in ("reviewed", "adjudicated"):
        if body.get("decision") is not None:
            _same(event, [body["decision"] in decisions], [True])
        reviews.add(body["sha256"])
        return f"{when}{action} by {event['actor']}: {body['sha256'][:16]}…"
    if action == "deliver":
        _same(event, leaf[1:2], [sha256])
        return f"{when}delivered under key {leaf[0][:16]}…"
    if action == "exported":
        _same(event, leaf[:2], [report, sha256])
        _same(event, [leaf[2] in decisions, leaf[3] in reviews], [True, True])
        return f"{when}exported by {event['actor']} as {event['subject']}, file {body['file'][:16]}…"
    return f"{when}{action} by {event['actor']}"


def _same(event: Mapping[str, Any], found: Sequence[Any], expected: Sequence[Any]) -> None:
    if list(found) != list(expected):
        raise Refused(f"event {event['seq']} ({event['action']}) is of another text, decision or review")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what a proof proves; 1 where it proves nothing."""
    parser = argparse.ArgumentParser(description="Check a proof of custody without the store that it came from.")
    parser.add_argument("proof", type=Path)
    parser.add_argument("--key", action="append", required=True, help="verifier key, got on another way than the proof")
    parser.add_argument("--text", type=Path, help="the report, as a file")
    given = parser.parse_args(arguments)
    try:
        verifiers = [read_verifier(key) for key in given.key]
        proof = json.loads(given.proof.read_text(encoding="utf-8"))
        print(*check_proof(proof, verifiers, text=given.text and given.text.read_bytes()), "the proof holds", sep="\n")
    except (Refused, OSError, ValueError) as error:
        print(f"refused: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
