"""What somebody typed into a form that could not be taken: given back to be sent again, or to be read and copied.

A session ends, or a colleague was faster: neither may cost a reviewer what they wrote. Nothing is kept on the server. Only
a form that the browser says comes from our own page (`Sec-Fetch-Site`, W3C Fetch Metadata) is given back, so that no other
site has somebody send words of its choice.
"""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request

_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Typed:
    """The fields of a form that changes an item, in their order and without its token; `page` is where it was filled in."""

    action: str
    page: str
    fields: tuple[tuple[str, str], ...]

    @property
    def note(self) -> str:
        return "\n".join(value for name, value in self.fields if name == "note")

    @property
    def types(self) -> list[str]:
        return [value for name, value in self.fields if name == "violations"]

    @property
    def urgency(self) -> str:
        return next((value for name, value in self.fields if name == "urgency"), "")


async def typed(request: Request) -> Typed | None:
    """What was typed of an item of a queue; None where the request is nothing of the kind."""
    path = request.url.path
    ours = request.headers.get("sec-fetch-site") == "same-origin"
    is_form = request.headers.get("content-type", "").startswith(_FORM)
    if request.method != "POST" or not ours or not is_form or path.count("/") != 4 or not path.startswith("/queues/"):
        return None
    fields = (await request.form()).multi_items()
    words = tuple((name, value) for name, value in fields if name != "csrf" and isinstance(value, str))
    page, _, step = path.rpartition("/")
    return Typed(path, path if step in ("second-review", "adjudication") else page, words)
