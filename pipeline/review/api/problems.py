"""Errors as problem details (RFC 9457)."""

from __future__ import annotations

from typing import Any

from fastapi.responses import JSONResponse

PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": words, "content": {"application/problem+json": {}}}
    for status, words in {
        401: "no valid token", 403: "the token lacks the scope", 404: "not there, or not for you", 409: "somebody was faster",
        422: "the request must be mended", 429: "too many requests: wait as `Retry-After` says",
    }.items()
}  # fmt: skip


def problem(
    status: int, detail: str, headers: dict[str, str] | None = None, *, errors: list[dict[str, Any]] | None = None
) -> JSONResponse:
    """An answer that says what is wrong."""
    body: dict[str, Any] = {"type": "about:blank", "status": status, "detail": detail}
    return JSONResponse(
        body | ({"errors": errors} if errors else {}), status, headers, media_type="application/problem+json"
    )
