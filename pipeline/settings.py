"""Settings of a workspace: `sitrep.toml`, overridden by `SITREP_*` environment variables.

Read once, at the edge (the command line, a flow, the page), and passed on as values.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from pipeline.errors import ConfigurationError

SETTINGS_FILE = "sitrep.toml"
PREFIX = "SITREP_"
OTHER_VARIABLES = frozenset({"SITREP_WORKSPACE", "SITREP_CORPORA", "SITREP_CACHE"})
"""Variables of commands and of the gazetteer's cache, which are no settings."""


class DestinationSettings(BaseModel):
    """What every destination has. Its secret is in an environment variable or in a file, never in the settings."""

    model_config = ConfigDict(extra="forbid")

    secret_env: str | None = Field(default=None, description="environment variable that holds the secret")
    secret_file: Path | None = Field(default=None, description="file that holds it")
    cleared: tuple[str, ...] = Field(default=(), description="restricted queues of which it may have all of an item")


class WebhookSettings(DestinationSettings):
    """A destination over https; its secret is whsec_…, several (the newest first) by spaces or lines."""

    url: str
    allow_private: bool = Field(default=False, description="an inner address, and plain http, are right")


class ImapSettings(BaseModel):
    """A mailbox that the night reads, over TLS. Its password is in an environment variable or in a file, never here."""

    model_config = ConfigDict(extra="forbid")

    host: str
    port: int = Field(default=993, ge=1, le=65535, description="of IMAP over TLS; there is no other way")
    user: str
    secret_env: str | None = Field(default=None, description="environment variable with the password")
    secret_file: Path | None = Field(default=None, description="file with the password")
    folder: str = Field(default="INBOX", pattern=r"^[ -~]+$", description="as the server names it (RFC 9051)")
    ca_file: Path | None = Field(default=None, description="the authority of the server's own certificate, PEM")
    source: str | None = Field(default=None, description="who sends these reports")


class DriftSettings(BaseModel):
    """What the last days are compared with: so many days before them, or before a fixed date."""

    model_config = ConfigDict(extra="forbid")

    days: int = Field(default=7, ge=1, le=366)
    reference_days: int = Field(default=90, ge=1, le=3660)
    reference_until: date | None = Field(default=None, description="midnight (UTC) at which a fixed reference ends")


class EmailSettings(DestinationSettings):
    """Digests by e-mail; the secret is the password of `username`."""

    host: str = Field(description="the server that takes mail for us")
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = Field(default="starttls", description="none: to this machine only")
    sender: str
    recipients: tuple[str, ...] = Field(min_length=1)
    username: str | None = None
    ca_file: Path | None = Field(
        default=None, description="certificate authority of the server, where not a public one"
    )
    page: str | None = Field(default=None, description="address of the review page, for links")
    quiet: str | None = Field(default=None, description="hours when only critical items are sent, such as 22:00-06:30")


class AmqpSettings(DestinationSettings):
    """A message broker; the secret is the password of `username`."""

    host: str
    port: int = Field(default=5671, ge=1, le=65535)
    tls: bool = Field(default=True, description="false: to this machine only")
    virtual_host: str = "/"
    username: str
    exchange: str = Field(default="", description="must exist; empty: the default one, which sends to queues by name")
    routing_key: str | None = Field(default=None, description="for everything; without it, the queue's id")
    ca_file: Path | None = Field(
        default=None, description="certificate authority of the broker, where not a public one"
    )


class AuditSettings(BaseModel):
    """Who signs the audit chain's heads, and by which keys others tell it."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(default=None, description="the desk's name in the heads, such as desk.example.org")
    key_file: Path | None = Field(default=None, description="signing key, outside the store: `sitrep audit key`")
    verifiers: tuple[str, ...] = Field(default=(), description="verifier keys that are trusted, older ones too")
    heads: Path = Field(default=Path("heads"), description="folder of the signed heads: copy it elsewhere")


RoleName = Literal["monitor", "reviewer", "supervisor", "administrator"]


class OidcSettings(BaseModel):
    """An OpenID provider with whose accounts people sign in. The client's secret is in the environment or in a file."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(default="your organisation's account", description="as the button calls it")
    issuer: str = Field(description="its address, to the letter as it calls itself")
    client_id: str
    secret_env: str | None = Field(default=None, description="environment variable with the client's secret")
    secret_file: Path | None = Field(default=None, description="file with it")
    page: str = Field(description="address of the review page, such as https://sitrep.example.org")
    ca_file: Path | None = Field(default=None, description="the authority of its certificate, where not a public one")
    role_claim: str | None = Field(
        default=None, description="claim that says who has which role; default: nobody but us"
    )
    roles: dict[str, RoleName] = Field(default_factory=dict, description="roles by the values of that claim")

    @model_validator(mode="after")
    def _mapped(self) -> Self:
        if bool(self.role_claim) != bool(self.roles):
            raise ValueError("role_claim and roles are given together, or neither is")
        return self


class ReviewSettings(BaseModel):
    """How people sign in to the review page, how long they stay signed in, and how fast they may go."""

    model_config = ConfigDict(extra="forbid")

    second_factor: tuple[RoleName, ...] = Field(
        default=(), description="roles that must have one: without it they can set it up and nothing else"
    )
    session_hours: int = Field(default=10, ge=1, le=24, description="after which people sign in again")
    idle_minutes: int = Field(default=60, ge=5, le=1440, description="without use, after which they do")
    hsts_subdomains: bool = Field(
        default=False, description="with --behind-https: browsers use https for the subdomains of the page's host too"
    )
    requests_per_minute: int = Field(default=600, ge=0, description="of one person, by page or API; 0: no limit")
    oidc: OidcSettings | None = Field(default=None, description="accounts elsewhere with which people sign in")


class EncryptionSettings(BaseModel):
    """Where the keys are that the words in the store are encrypted under."""

    model_config = ConfigDict(extra="forbid")

    key_file: Path | None = Field(default=None, description="outside the workspace: `sitrep encryption key`")


class Settings(BaseSettings):
    """Everything an operator can set. Relative paths are relative to the workspace."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid")

    workspace: Path = Field(default=Path(), description="the folder that holds sitrep.toml")
    database: SecretStr = Field(default=SecretStr("sqlite:///sitrep.db"), description="SQLAlchemy URL of the store")
    policy: Path = Field(default=Path("policy.toml"), description="routing policy")
    gazetteer: Path | None = Field(default=None, description="a gazetteer built by `sitrep gazetteer import`")
    model: str | None = Field(default=None, description="model version, or a folder; default: the shipped one")
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    threads: int | None = Field(default=None, ge=1, description="threads of the model on a CPU; default: every core")
    dask: Annotated[int, Field(ge=1, le=512)] | str | None = Field(
        default=None, description="triage by so many Dask workers on this machine, or by those of a scheduler's address"
    )
    outbox: Path = Field(default=Path("outbox"), description="where the folder destination writes")
    drop: Path = Field(default=Path("drop"), description="files left here are taken in by the nightly run")
    digests: Path = Field(default=Path("digests"), description="where nightly digests are written")
    backups: Path | None = Field(default=None, description="where the nightly run puts a copy of the store")
    nightly: str = Field(default="0 2 * * *", description="when the nightly run starts, as a cron expression")
    time_zone: str = Field(default="UTC", description="time zone of the schedule, such as Africa/Bamako")
    webhooks: dict[str, WebhookSettings] = Field(default_factory=dict, description="destinations by name")
    amqp: dict[str, AmqpSettings] = Field(default_factory=dict, description="destinations by name")
    email: dict[str, EmailSettings] = Field(default_factory=dict, description="destinations by name")
    audit: AuditSettings = Field(default_factory=AuditSettings)
    review: ReviewSettings = Field(default_factory=ReviewSettings)
    encryption: EncryptionSettings = Field(default_factory=EncryptionSettings)
    pseudonym_key: Path | None = Field(
        default=None, description="key of pseudonymised exports, outside the store: `sitrep pseudonym-key`"
    )
    retention_days: int | None = Field(
        default=None, ge=1, description="days after which the night erases the words of what came in; default: never"
    )
    imap: ImapSettings | None = Field(default=None, description="a mailbox that the night takes in")
    drift: DriftSettings = Field(default_factory=DriftSettings)
    chunk_size: int = Field(default=1000, ge=1, le=20_000, description="reports per task")
    max_text_characters: int = Field(default=200_000, ge=100, description="longer texts are quarantined")
    max_file_megabytes: int = Field(default=2048, ge=1, description="larger files are refused")
    near_duplicate_threshold: float = Field(default=0.85, gt=0, le=1)

    @field_validator("database")
    @classmethod
    def _known_database(cls, value: SecretStr) -> SecretStr:
        if not re.match(r"(sqlite|postgresql|postgres)(\+\w+)?://", value.get_secret_value()):
            raise ValueError("an address such as sqlite:///sitrep.db or postgresql://sitrep@db.example.org/sitrep")
        return value

    @field_validator("nightly")
    @classmethod
    def _cron(cls, value: str) -> str:
        if not re.fullmatch(r"[\w*/,#?-]+( [\w*/,#?-]+){4,5}", value.strip()):
            raise ValueError("five fields of a cron expression, such as 0 2 * * * for two o'clock")
        return value

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("a time zone by its name, such as Africa/Bamako") from None
        return value

    @field_validator("dask", mode="before")
    @classmethod
    def _number_or_address(cls, value: Any) -> Any:
        """The environment knows no numbers."""
        if isinstance(value, str) and value.isdecimal():
            return int(value)
        if isinstance(value, str) and not value.startswith(("tls://", "tcp://")):
            raise ValueError("a number of workers, or a scheduler's address such as tls://10.0.0.5:8786")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # The file's values arrive as arguments (see `load_settings`); the environment wins over them.
        return env_settings, init_settings

    def path(self, value: Path) -> Path:
        """`value` as seen from the workspace."""
        return value if value.is_absolute() else self.workspace / value


def load_settings(workspace: Path) -> Settings:
    """The settings of a workspace; ConfigurationError where there is none, or a value is wrong."""
    path = workspace / SETTINGS_FILE
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise ConfigurationError(f"{workspace.absolute()} is no workspace: run `sitrep init` there first") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f'{path}: {error}; texts stand in quotes, as in drop = "drop"') from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: not UTF-8: save it so in your editor") from error
    except OSError as error:
        raise ConfigurationError(f"{path}: {error}") from error
    try:
        # SITREP_WORKSPACE has served its purpose: here it would mix this folder's settings with that one's store.
        return Settings(**{**values, "workspace": workspace}).model_copy(update={"workspace": workspace})
    except SettingsError as error:
        (field,) = re.findall(r'for field "(\w+)"', str(error)) or [""]
        raise ConfigurationError(
            f"{PREFIX}{field.upper()} in the environment: a table or a list is given as JSON there"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        problem = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            *tables, last = (str(part) for part in first["loc"])
            near = get_close_matches(last, _names_in(tables), 1)
            problem = "there is no such setting" + (f": do you mean {'.'.join((*tables, near[0]))}?" if near else "")
        variable = f"{PREFIX}{first['loc'][0]}".upper() if first["loc"] else ""
        where = f"{variable} in the environment" if variable in os.environ else f"{path}: {key}"
        raise ConfigurationError(f"{where}: {problem}") from error


def strange_variables(settings: Settings) -> list[str]:
    """Variables of the environment that are named like settings and are none: most likely a slip."""
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields} | OTHER_VARIABLES
    known |= set(_secret_variables(settings.model_dump()))
    return sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)


def _secret_variables(values: Mapping[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _secret_variables(value)
        elif name == "secret_env" and value:
            yield value


def _names_in(tables: Sequence[str]) -> list[str]:
    """The settings in a table of the file, such as `review` or `webhooks.NAME`."""
    found: Any = Settings
    for name in tables:
        if hasattr(found, "model_fields"):
            annotation = found.model_fields[name].annotation
            found = next((part for part in (annotation, *get_args(annotation)) if hasattr(part, "model_fields")), None)
    return list(getattr(found, "model_fields", ()))
