"""The destinations that a workspace's settings name, each with its secret from outside the settings."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pipeline.errors import ConfigurationError
from pipeline.route import Policy
from pipeline.route.destinations import Destination, Folder
from pipeline.settings import AmqpSettings, DestinationSettings, EmailSettings, Settings, WebhookSettings


def open_destinations(settings: Settings, policy: Policy) -> dict[str, Destination]:
    """By name; ConfigurationError where a name is used twice, a secret is missing or an address is none."""
    restricted = frozenset(queue.id for queue in policy.queues if queue.restricted)
    kinds: tuple[Mapping[str, DestinationSettings], ...] = (settings.webhooks, settings.email, settings.amqp)
    found: dict[str, Destination] = {"folder": Folder(settings.path(settings.outbox))}
    for name, one in (pair for kind in kinds for pair in kind.items()):
        if name in found:
            raise ConfigurationError(f"two destinations are called {name!r}: give each a name of its own")
        minimal = restricted - set(one.cleared)
        try:
            match one:
                case WebhookSettings():
                    found[name] = _webhook(one, read_secret(settings, one.secret_file, one.secret_env), minimal)
                case EmailSettings():
                    found[name] = _email(one, read_secret(settings, one.secret_file, one.secret_env), minimal, settings)
                case AmqpSettings():
                    found[name] = _broker(
                        one, read_secret(settings, one.secret_file, one.secret_env), minimal, settings
                    )
        except ConfigurationError as error:
            raise ConfigurationError(f"destination {name!r}: {error}") from error
    return found


def read_secret(settings: Settings, file: Path | None, variable: str | None) -> str:
    """A secret from where the settings say that it is; empty where nothing is there."""
    if file:
        try:
            return settings.path(file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigurationError(f"secret_file {file} cannot be read: {error.strerror}") from error
    return os.environ.get(variable or "", "").strip()


def _webhook(one: WebhookSettings, secret: str, minimal: frozenset[str]) -> Destination:
    from pipeline.route.webhook import Webhook

    if not secret:
        raise ConfigurationError("set secret_env or secret_file to where its whsec_… secret is")
    return Webhook(one.url, tuple(secret.split()), minimal=minimal, allow_private=one.allow_private)


def _email(one: EmailSettings, secret: str, minimal: frozenset[str], settings: Settings) -> Destination:
    from pipeline.route.quiet import QuietHours
    from pipeline.route.smtp import EmailDigest

    if one.username and not secret:
        raise ConfigurationError("set secret_env or secret_file to where the password is")
    try:
        quiet = QuietHours.parse(one.quiet, zone=settings.time_zone) if one.quiet else None
    except ValueError as error:
        raise ConfigurationError(f"quiet = {one.quiet!r} is no span such as 22:00-06:30 ({error})") from error
    return EmailDigest(
        host=one.host, port=one.port, security=one.security, sender=one.sender, recipients=one.recipients,
        username=one.username, password=secret, ca_file=_file(settings, one.ca_file),
        page=one.page, quiet=quiet, minimal=minimal,
    )  # fmt: skip


def _broker(one: AmqpSettings, secret: str, minimal: frozenset[str], settings: Settings) -> Destination:
    try:
        from pipeline.route.amqp import Broker
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"{error.name} is missing: pip install 'sitrep[amqp]'") from error

    if not secret:
        raise ConfigurationError("set secret_env or secret_file to where the password is")
    return Broker(
        host=one.host, port=one.port, tls=one.tls, virtual_host=one.virtual_host, username=one.username, password=secret,
        exchange=one.exchange, routing_key=one.routing_key, minimal=minimal, ca_file=_file(settings, one.ca_file),
    )  # fmt: skip


def _file(settings: Settings, path: Path | None) -> str | None:
    return str(settings.path(path)) if path else None
