"""Who may sign in, for administrators."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response

from pipeline.errors import ConfigurationError, NotFound
from pipeline.review.desk import Csrf, Signed, Visitor, check_form, desk_of, render
from pipeline.review.words import sentence
from pipeline.store import people

router = APIRouter()


@router.get("/people")
def people_page(request: Request, who: Signed) -> Response:
    if not who.access.administers:
        raise NotFound("no such page")
    return _page(request, who)


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
    chosen = [q.id for q in desk.policy.queues if q.restricted and q.id in (granted or [])]
    try:
        with desk.store.write() as connection:
            token = people.add(
                connection, login.strip().lower(), name=name.strip(), role=role, granted=chosen,
                by=who.access.person, now=desk.now(),
            )  # fmt: skip
    except ConfigurationError as error:
        typed = {"login": login, "name": name, "role": role, "granted": chosen}
        return _page(request, who, typed=typed, problem=sentence(str(error)), status=422)
    return _page(request, who, link=str(request.base_url) + f"invitation#{token}")


def _page(request: Request, who: Visitor, *, status: int = 200, **values: Any) -> Response:
    desk = desk_of(request)
    with desk.store.read() as connection:
        values["people"] = people.everybody(connection)
    values["restricted"] = [q for q in desk.policy.queues if q.restricted]
    return render(request, "people.html", {"typed": {"role": "reviewer"}} | values, who=who, status=status)
