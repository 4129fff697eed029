"""A small OpenID provider on this machine: discovery, authorization code with PKCE, signed ID tokens.

It signs in whom the test says, without asking. `claims` of the test take the place of its own in the token, so that it can
lie; `more` is what it tells at its UserInfo endpoint; `key` signs in place of the key that it publishes.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

import uvicorn
from fastapi import FastAPI, Form, HTTPException, Request
from fastapi.responses import RedirectResponse
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

CLIENT, SECRET = "sitrep", "a secret of the client"


class SmallProvider:
    """The provider's state: whom it signs in, and what it says of them."""

    def __init__(self, issuer: str, *, now: Callable[[], datetime]) -> None:
        self.issuer = issuer
        self.published = ECKey.generate_key("P-256", {"kid": "one", "alg": "ES256", "use": "sig"})
        self.key = self.published
        self.claims: dict[str, Any] = {}
        self.more: dict[str, Any] = {}
        self.left_out: set[str] = set()
        self.lets_out = True
        self.left: list[dict[str, str]] = []
        self.asked: list[dict[str, str]] = []
        self._codes: dict[str, dict[str, str]] = {}
        self._now = now

    def begin(self, asked: dict[str, str]) -> str:
        """The address to which somebody is sent back with a code."""
        if (asked["client_id"], asked["response_type"], asked["code_challenge_method"]) != (CLIENT, "code", "S256"):
            raise HTTPException(400)
        self.asked.append(asked)
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, code: str, verifier: str, redirect_uri: str, authorization: str) -> dict[str, Any]:
        """What a code is worth, once, to the client that can show the verifier."""
        given = base64.b64decode(authorization.removeprefix("Basic ")).decode().replace("+", " ").replace("%20", " ")
        asked = self._codes.pop(code, None)
        shown = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        if given != f"{CLIENT}:{SECRET}" or asked is None or asked["redirect_uri"] != redirect_uri:
            raise HTTPException(400)
        if not secrets.compare_digest(asked["code_challenge"], shown):
            raise HTTPException(400)
        moment = int(self._now().timestamp())
        said = {
            "iss": self.issuer, "aud": CLIENT, "sub": "248289", "iat": moment, "exp": moment + 300,
            "nonce": asked["nonce"], "email": "ada@example.org", "email_verified": True,
        } | self.claims  # fmt: skip
        said = {name: value for name, value in said.items() if name not in self.left_out}
        signed = jwt.encode({"alg": "ES256", "kid": "one"}, said, self.key, algorithms=["ES256"])
        return {"access_token": secrets.token_urlsafe(8), "token_type": "Bearer", "expires_in": 300, "id_token": signed}

    def logout_token(self, *, typ: str = "logout+jwt", **claims: Any) -> str:
        """Its word that somebody signed out; `claims` are added to what has to be in it, or taken out where None."""
        moment = int(self._now().timestamp())
        said = {
            "iss": self.issuer, "aud": CLIENT, "iat": moment, "exp": moment + 120, "jti": secrets.token_urlsafe(8),
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        } | claims  # fmt: skip
        said = {name: value for name, value in said.items() if value is not None}
        return jwt.encode({"alg": "ES256", "kid": "one", "typ": typ}, said, self.key, algorithms=["ES256"])


def application(provider: SmallProvider) -> FastAPI:
    app = FastAPI()

    @app.get("/.well-known/openid-configuration")
    def describe() -> dict[str, Any]:
        there = provider.issuer
        said = {
            "issuer": there, "authorization_endpoint": f"{there}/authorize", "token_endpoint": f"{there}/token",
            "jwks_uri": f"{there}/keys", "userinfo_endpoint": f"{there}/userinfo", "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            **({"end_session_endpoint": f"{there}/leave"} if provider.lets_out else {}),
        }  # fmt: skip
        return {name: value for name, value in said.items() if name not in provider.left_out}

    @app.get("/leave")
    def leave(request: Request) -> RedirectResponse:
        provider.left.append(dict(request.query_params))
        return RedirectResponse(request.query_params["post_logout_redirect_uri"], status_code=302)

    @app.get("/authorize")
    def authorize(request: Request) -> RedirectResponse:
        return RedirectResponse(provider.begin(dict(request.query_params)), status_code=302)

    @app.post("/token")
    def token(
        request: Request, code: Annotated[str, Form()], redirect_uri: Annotated[str, Form()],
        code_verifier: Annotated[str, Form()] = "",
    ) -> dict[str, Any]:  # fmt: skip
        return provider.token(code, code_verifier, redirect_uri, request.headers.get("authorization", ""))

    @app.get("/userinfo")
    def userinfo() -> dict[str, Any]:
        return {"sub": "248289"} | provider.more

    @app.get("/keys")
    def keys() -> dict[str, Any]:
        return KeySet([provider.published]).as_dict(private=False)

    return app


@contextmanager
def running(*, now: Callable[[], datetime]) -> Iterator[SmallProvider]:
    """The provider on a free port; by another name of this machine than the page, so that it is another site."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    provider = SmallProvider(f"http://localhost:{port}", now=now)
    server = uvicorn.Server(uvicorn.Config(application(provider), host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield provider
    server.should_exit = True
    thread.join(10)
