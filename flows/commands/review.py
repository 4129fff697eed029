"""`sitrep review` and `sitrep people`: the page for reviewers, and who may sign in."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows import console
from flows.commands.options import HERE, JsonOption, WorkspaceOption
from flows.workspace import open_workspace, operator, utc_now
from pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    from fastapi import FastAPI
    from uvicorn import Server

    from pipeline.review.oidc import Provider
    from pipeline.settings import Settings

app = typer.Typer()
people_app = typer.Typer(help="Who may sign in to the review page.", no_args_is_help=True)
app.add_typer(people_app, name="people")

HERE_ONLY = ("127.0.0.1", "::1", "localhost")


@app.command(epilog="Example: [bold]sitrep people add a.okoye --role reviewer && sitrep review[/bold]")
def review(
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535)] = 8321,
    behind_https: Annotated[
        bool, typer.Option("--behind-https", help="A proxy in front of this page speaks https to people.")
    ] = False,
    certificate: Annotated[
        Path | None, typer.Option("--certificate", help="Speak https: a PEM file with the certificate and its chain.")
    ] = None,
    key: Annotated[Path | None, typer.Option("--key", help="The certificate's private key, a PEM file.")] = None,
    workspace: WorkspaceOption = HERE,
) -> None:
    """Serve the review page: queues, reports, corrections, submissions."""
    from pipeline.review import create_app
    from pipeline.store import people
    from pipeline.taxonomy import load_taxonomy

    if (certificate is None) != (key is None):
        raise ConfigurationError("--certificate and --key go together: name both")
    secure = behind_https or certificate is not None
    if host not in HERE_ONLY and not secure:
        raise ConfigurationError(
            f"passwords must not travel in the clear: give --certificate and --key, put a proxy with https in front and "
            f"add --behind-https, or leave out --host {host}"
        )
    opened = open_workspace(workspace)
    with opened.store.read() as connection:
        if not people.everybody(connection):
            raise ConfigurationError("nobody may sign in yet: sitrep people add YOUR-LOGIN --role administrator")
    made = create_app(
        opened.store,
        policy=opened.policy,
        taxonomy=load_taxonomy(),
        limits=opened.limits,
        secure=secure,
        digests=opened.settings.path(opened.settings.digests),
        settings=opened.settings.review,
        provider=_provider(opened.settings),
    )
    listening = server(made, host=host, port=port, certificate=certificate, key=key)
    console.err.print(f"{'https' if certificate else 'http'}://{host}:{port}/ (stop with Ctrl+C)")
    listening.run()


def server(made: FastAPI, *, host: str, port: int, certificate: Path | None = None, key: Path | None = None) -> Server:
    """What serves the page; by https alone where there is a certificate. ConfigurationError where it cannot be used."""
    import uvicorn

    config = uvicorn.Config(
        made, host=host, port=port, log_level="warning", access_log=False, server_header=False,
        ssl_certfile=certificate, ssl_keyfile=key,
    )  # fmt: skip
    try:
        config.load()
    except OSError as error:  # of which an SSLError is one
        raise ConfigurationError(
            f"{certificate} and {key} cannot be used for https: {error.strerror or error}"
        ) from error
    if config.ssl is not None:
        config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
    return uvicorn.Server(config)


@people_app.command(
    "add", epilog="Example: [bold]sitrep people add a.okoye --role reviewer --grant sexual-violence[/bold]"
)
def add(
    login: Annotated[str, typer.Argument(help="Small letters, digits, dots and hyphens.")],
    role: Annotated[str, typer.Option("--role", help="monitor, reviewer, supervisor or administrator.")],
    name: Annotated[str, typer.Option("--name", help="As colleagues know them; default: the login.")] = "",
    grant: Annotated[
        list[str] | None, typer.Option("--grant", help="A restricted queue that they may see; may be repeated.")
    ] = None,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Add a person; prints the path of their invitation, which works once within three days."""
    from pipeline.store import people

    opened = open_workspace(workspace)
    known = [q.id for q in opened.policy.queues if q.restricted]
    for queue in grant or []:
        if queue not in known:
            raise ConfigurationError(f"{queue!r} is no restricted queue; restricted: {', '.join(known)}")
    with opened.store.write() as connection:
        token = people.add(
            connection, login, name=name or login, role=role, granted=grant or [], by=operator(), now=utc_now()
        )
    _print_invitation(login, token, as_json=as_json)


@people_app.command("invite", epilog="Example: [bold]sitrep people invite a.okoye[/bold]")
def invite(
    login: Annotated[str, typer.Argument()], workspace: WorkspaceOption = HERE, as_json: JsonOption = False
) -> None:
    """A fresh invitation, also for a forgotten password."""
    from pipeline.store import people

    with open_workspace(workspace).store.write() as connection:
        token = people.invite(connection, login, by=operator(), now=utc_now())
    _print_invitation(login, token, as_json=as_json)


@people_app.command("link", epilog="Example: [bold]sitrep people link a.okoye --email a.okoye@example.org[/bold]")
def link(
    login: Annotated[str, typer.Argument()],
    email: Annotated[
        str | None, typer.Option("--email", help="The address of their account, as the provider verified it.")
    ] = None,
    subject: Annotated[str | None, typer.Option("--subject", help="The provider's own name of their account.")] = None,
    unlink: Annotated[
        bool, typer.Option("--unlink", help="Take their account away instead, and end sessions.")
    ] = False,
    workspace: WorkspaceOption = HERE,
) -> None:
    """Let a person sign in with an account of the provider in `[review.oidc]`; no other account opens anything."""
    from pipeline.store import identities

    opened = open_workspace(workspace)
    provider = opened.settings.review.oidc
    if provider is None and not unlink:
        raise ConfigurationError("there is no provider: add [review.oidc] to sitrep.toml (docs/pages.md)")
    with opened.store.write() as connection:
        if unlink:
            identities.unlink(connection, login, by=operator(), now=utc_now())
        elif provider is not None:
            identities.link(
                connection, login, issuer=provider.issuer, subject=subject, email=email, by=operator(), now=utc_now()
            )
    console.out.print(f"{login} signs in {'here alone' if unlink else 'with their account elsewhere'}")


@people_app.command("token", epilog="Example: [bold]sitrep people token a.okoye --scope read --name dashboard[/bold]")
def token(
    login: Annotated[str, typer.Argument()],
    scope: Annotated[
        list[str] | None, typer.Option("--scope", help="read, review, submit or metrics; may be repeated.")
    ] = None,
    name: Annotated[str, typer.Option("--name", help="What the token is for.")] = "program",
    days: Annotated[int, typer.Option("--days", min=1, max=366, help="How long it lasts.")] = 90,
    revoke: Annotated[bool, typer.Option("--revoke", help="End all tokens of this person instead.")] = False,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """A token with which a program uses the API as this person; it is told once."""
    from pipeline.store import tokens

    store = open_workspace(workspace).store
    if revoke:
        with store.write() as connection:
            ended = tokens.revoke(connection, login, by=operator(), now=utc_now())
        if as_json:
            console.print_json({"login": login, "ended": ended})
        else:
            console.out.print(f"{ended} tokens of {login} ended")
        return
    with store.write() as connection:
        made = tokens.issue(
            connection, login, name=name, scopes=scope or ["read"], days=days, by=operator(), now=utc_now()
        )
    if as_json:
        console.print_json({"login": login, "token": made})
    else:
        console.out.print(made, soft_wrap=True)


@people_app.command("disable", epilog="Example: [bold]sitrep people disable a.okoye[/bold]")
def disable(login: Annotated[str, typer.Argument()], workspace: WorkspaceOption = HERE) -> None:
    """Close an account and end its sessions; what the person did stays."""
    from pipeline.store import people

    with open_workspace(workspace).store.write() as connection:
        people.disable(connection, login, by=operator(), now=utc_now())
    console.out.print(f"{login} can no longer sign in")


@people_app.command("reset-factor", epilog="Example: [bold]sitrep people reset-factor a.okoye[/bold]")
def reset_factor(login: Annotated[str, typer.Argument()], workspace: WorkspaceOption = HERE) -> None:
    """Take a person's second factor off, where telephone and recovery codes are lost; the password stays."""
    from pipeline.store import factors

    with open_workspace(workspace).store.write() as connection:
        factors.take_off(connection, login, by=operator(), now=utc_now())
    console.out.print(f"{login} signs in with the password alone, until they set a second factor again")


@people_app.command("list", epilog="Example: [bold]sitrep people list[/bold]")
def list_people(workspace: WorkspaceOption = HERE, as_json: JsonOption = False) -> None:
    """Who may sign in, and what they may see."""
    from pipeline.store import people

    with open_workspace(workspace).store.read() as connection:
        found = people.everybody(connection)
    if as_json:
        keys = ("login", "name", "role", "granted", "disabled")
        console.print_json([{key: getattr(row, key) for key in keys} for row in found])
        return
    rows = [(row.login, console.escape(row.name), row.role, ", ".join(row.granted), row.state) for row in found]
    none = "Nobody may sign in yet: sitrep people add LOGIN --role ROLE"
    console.out.print(console.table("People", ("login", "name", "role", "restricted queues", ""), rows, empty=none))


def _provider(settings: Settings) -> Provider | None:
    """The OpenID provider that the settings name; ConfigurationError where what it takes is missing."""
    if (asked := settings.review.oidc) is None:
        return None
    from flows.destinations import read_secret

    try:
        from pipeline.review.oidc import Provider
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"{error.name} is missing: pip install 'sitrep[oidc]'") from error
    if not (secret := read_secret(settings, asked.secret_file, asked.secret_env)):
        raise ConfigurationError("[review.oidc]: set secret_env or secret_file to where the client's secret is")
    ca_file = settings.path(asked.ca_file) if asked.ca_file else None
    return Provider(asked.model_copy(update={"ca_file": ca_file}), secret=secret)


def _print_invitation(login: str, token: str, *, as_json: bool) -> None:
    if as_json:
        console.print_json({"login": login, "invitation": f"/invitation#{token}"})
        return
    console.out.print(f"{login} chooses a password at this path of the review page, once, within three days:")
    console.out.print(f"  /invitation#{token}", soft_wrap=True)
