"""The tables of accounts: people, how they sign in, and what lets programs in. Tokens and codes are kept as hashes alone."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Integer, String, Table, Text, UniqueConstraint, false

from pipeline.store.columns import Instant, Sequence, metadata

person = Table(
    "person",
    metadata,
    Column("login", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", String(16), nullable=False),
    Column("granted", JSON, nullable=False, comment="restricted queues that this person may see"),
    Column("password", Text, comment="argon2id; empty until the invitation is taken up"),
    Column("disabled", Boolean, nullable=False, server_default=false()),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("locked_until", Instant),
    Column("created_at", Instant, nullable=False),
)

# Tokens are kept as hashes: who reads the store cannot sign in with it.
session = Table(
    "session",
    metadata,
    Column("token_sha256", String(64), primary_key=True),
    Column("login", String(64), ForeignKey("person.login"), nullable=False, index=True),
    Column("csrf", String(64), nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column(
        "waits", Boolean, nullable=False, server_default=false(), comment="for the second factor: not signed in yet"
    ),
    Column("begun_at", Instant),
    Column("seen_at", Instant, comment="of the last use, to the minute"),
    Column("provider_sid", Text, comment="the OpenID provider's session that it comes of, empty where it gave no name"),
)

# The secret has to be at hand to check a code: who reads the store has it. The password stays the first factor.
second_factor = Table(
    "second_factor",
    metadata,
    Column("login", String(64), ForeignKey("person.login"), primary_key=True),
    Column("secret", Text, nullable=False),
    Column("last_step", Sequence, nullable=False, comment="of the last code taken: none is taken twice"),
    Column("confirmed_at", Instant),
)

recovery_code = Table(
    "recovery_code",
    metadata,
    Column("login", String(64), ForeignKey("person.login"), primary_key=True),
    Column("code_sha256", String(64), primary_key=True),
)

invitation = Table(
    "invitation",
    metadata,
    Column("token_sha256", String(64), primary_key=True),
    Column("login", String(64), ForeignKey("person.login"), nullable=False),
    Column("expires_at", Instant, nullable=False),
)

# An account elsewhere with which a person signs in; the subject is empty until the named address first comes with one.
identity = Table(
    "identity",
    metadata,
    Column("login", String(64), ForeignKey("person.login"), primary_key=True),
    Column("issuer", Text, nullable=False),
    Column("subject", Text),
    Column("email", Text),
    UniqueConstraint("issuer", "subject"),
)

oidc_attempt = Table(
    "oidc_attempt",
    metadata,
    Column("state_sha256", String(64), primary_key=True),
    Column("nonce", Text, nullable=False),
    Column("verifier", Text, nullable=False),
    Column("expires_at", Instant, nullable=False),
)

api_token = Table(
    "api_token",
    metadata,
    Column("token_sha256", String(64), primary_key=True),
    Column("login", String(64), ForeignKey("person.login"), nullable=False, index=True),
    Column("name", Text, nullable=False, comment="what the token is for"),
    Column("scopes", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
)

# What the API answered to a request with an Idempotency-Key: the same request again gets the same answer.
api_answer = Table(
    "api_answer",
    metadata,
    Column("login", String(64), primary_key=True),
    Column("key_sha256", String(64), primary_key=True),
    Column("request_sha256", String(64), nullable=False),
    Column("answer", JSON, nullable=False),
    Column("at", Instant, nullable=False),
)
