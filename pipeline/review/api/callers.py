"""Who calls, with which rights, and changes that are made once however often they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, Header, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from pipeline.access import Access, access_of
from pipeline.errors import NotFound
from pipeline.review.desk import check_pace, desk_of, lacks_factor
from pipeline.store import people, tokens

bearer = HTTPBearer(auto_error=False)
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]


def needs(scope: tokens.Scope) -> Callable[..., Access]:
    """The rights of a caller whose token has the scope."""

    def caller(request: Request, credentials: Credentials) -> Access:
        desk = desk_of(request)
        found, barred = speaking(request, credentials.credentials if credentials else None)
        if found is None:
            raise HTTPException(401, "a valid token is needed", {"WWW-Authenticate": "Bearer"})
        who = found.person
        request.state.caller = who.login
        if scope not in found.scopes:
            raise HTTPException(403, f"the token lacks the scope {scope!r}")
        if barred:
            raise HTTPException(403, "set up your second factor on the review page first: your role needs one")
        return access_of(who.login, who.role, who.granted, policy=desk.policy, taxonomy=desk.taxonomy)

    return caller


def speaking(request: Request, token: str | None) -> tuple[tokens.Bearer | None, bool]:
    """Who a token speaks for, and whether they lack the second factor that their role needs.

    A token that is none is on record. TooFast by the pace of the person, or of the address where it speaks for nobody.
    """
    desk = desk_of(request)
    with desk.store.read() as connection:
        found = tokens.find(connection, token, now=desk.now()) if token else None
        barred = found is not None and lacks_factor(connection, desk, found.person.login, found.person.role)
    if found is not None:
        check_pace(desk.pace, found.person.login)
        return found, barred
    check_pace(desk.pace, f"from {request.client.host if request.client else ''}")
    if token:
        with desk.store.write() as connection:
            people.failed(connection, people.NOBODY, step="token", now=desk.now())
    return None, False


Reader = Annotated[Access, Depends(needs("read"))]
Reviewer = Annotated[Access, Depends(needs("review"))]
Sender = Annotated[Access, Depends(needs("submit"))]

Key = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=200)]
Name = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]
Words = Annotated[str, Field(min_length=1, max_length=10_000, pattern=r"^[^\x00]*\S[^\x00]*$")]


class Strict(BaseModel):
    """A body in which nothing is taken for what it is not."""

    model_config = ConfigDict(extra="forbid")


def check_queue(who: Access, queue: str) -> None:
    """NotFound for a queue that is not there, or not for this person."""
    if queue not in who.queues:
        raise NotFound("no such queue")


def once(
    connection: Connection,
    who: Access,
    key: str | None,
    request: str,
    change: Callable[[], dict[str, Any]],
    *,
    now: Any,
) -> dict[str, Any]:
    """Make a change and keep its answer under the caller's key; the kept answer where it was made before.

    MonitorError where the key was used for another request.
    """
    if key is None:
        return change()
    if not tokens.first_to_ask(connection, who.person, key, request, now=now):
        return tokens.answered(connection, who.person, key, request) or {}
    answer = change()
    tokens.keep_answer(connection, who.person, key, answer)
    return answer
