"""Who may sign in, for administrators."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from pipeline.errors import NotFound
from pipeline.review.desk import Csrf, Signed, check_form, desk_of, render
from pipeline.store import people

router = APIRouter()


@router.get("/people")
def people_page(request: Request, who: Signed) -> Response:
    if not who.access.administers:
        raise NotFound("no such page")
    desk = desk_of(request)
    with desk.store.read() as connection:
        found = people.everybody(connection)
    restricted = [q for q in desk.policy.queues if q.restricted]
    return render(request, "people.html", {"people": found, "restricted": restricted, "link": None}, who=who)


@router.post("/people")
def add_person(
    request: Request, who: Signed, csrf: Csrf, login: Annotated[str, Form()], name: Annotated[str, Form()],
    role: Annotated[str, Form()], granted: Annotated[list[str] | None, Form()] = None,
) -> Response:  # fmt: skip
    """Add a person and show their invitation link, once."""
    if not who.access.administers:
        raise NotFound("no such page")
    check_form(who, csrf)
    desk = desk_of(request)
    restricted = [q for q in desk.policy.queues if q.restricted]
    with desk.store.write() as connection:
        token = people.add(
            connection, login.strip().lower(), name=name.strip(), role=role,
            granted=[q.id for q in restricted if q.id in (granted or [])], by=who.access.person, now=desk.now(),
        )  # fmt: skip
        found = people.everybody(connection)
    link = str(request.base_url) + f"invitation#{token}"
    return render(request, "people.html", {"people": found, "restricted": restricted, "link": link}, who=who)
