"""Signing in with an account elsewhere: OpenID Connect Core 1.0, authorization code with PKCE (RFC 7636).

The provider says who somebody is; who may come in, and as what, was said here before. Nothing is asked of it before
somebody signs in with it. Its answers are believed as far as its signature, issuer, audience, times and our nonce hold.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from httpx2 import HTTPError
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from pipeline.access import ROLES, Role
from pipeline.errors import ConfigurationError, SitrepError
from pipeline.settings import OidcSettings

BACK = "/sign-in/provider/back"
"""Where on the review page the provider sends people back to: it has to know the address."""
LOGOUT, EVENT = "logout+jwt", "http://schemas.openid.net/event/backchannel-logout"
SIGNATURES = ("RS256", "PS256", "ES256", "EdDSA")
TIMEOUT, LEEWAY = 10.0, 60
"""Seconds: for an answer, and by which its clock may differ."""
HERE = ("127.0.0.1", "::1", "localhost")
logger = logging.getLogger(__name__)


class NotBelieved(SitrepError):
    """The provider could not be asked, or said what cannot be believed."""


@dataclass(frozen=True)
class Known:
    """Whom the provider signed in; `email` only where it says that it verified it, `role` as the settings map a claim.

    `sid` names the provider's own session, and is empty where it does not tell.
    """

    issuer: str
    subject: str
    email: str | None
    role: Role | None
    sid: str


@dataclass(frozen=True)
class Gone:
    """Who signed out at the provider, of which of its sessions, or both; `at` is when it said so."""

    issuer: str
    subject: str | None
    sid: str | None
    at: datetime


class Provider:
    """An OpenID provider, as its settings name it."""

    def __init__(self, settings: OidcSettings, *, secret: str) -> None:
        for address in (settings.issuer, settings.page):
            if urlsplit(address).scheme != "https" and urlsplit(address).hostname not in HERE:
                raise ConfigurationError(f"[review.oidc] {address}: only https is taken")
        self.settings = settings
        self._secret = secret

    def address(self, *, state: str, nonce: str, verifier: str) -> str:
        """Where to send somebody to sign in."""
        with self._client() as client:
            endpoint = self._described(client)["authorization_endpoint"]
            made, _ = client.create_authorization_url(endpoint, state=state, code_verifier=verifier, nonce=nonce)
        return str(made)

    def known(self, code: str, *, nonce: str, verifier: str, now: datetime) -> Known:
        """Who came back with a code; NotBelieved where the provider's word does not hold."""
        try:
            with self._client() as client:
                described = self._described(client)
                given = client.fetch_token(described["token_endpoint"], code=code, code_verifier=verifier)
                claims = self._claims(given, self._keys(client, described), nonce=nonce, now=now)
                return self._as_known(self._told_more(client, described, claims))
        except (HTTPError, OAuthError, JoseError, KeyError, ValueError, TypeError) as error:
            # Not the error's own words: they may repeat a token.
            raise NotBelieved(f"{type(error).__name__} from {self.settings.issuer}") from None

    def farewell(self) -> str | None:
        """Where to send somebody who signed out here, to sign out there too (OpenID Connect RP-Initiated Logout 1.0).

        None where the provider offers none. No ID token is sent along, since none is kept: the provider may ask.
        """
        with self._client() as client:
            endpoint = self._described(client).get("end_session_endpoint")
        if not endpoint:
            return None
        back = self.settings.page.rstrip("/") + "/sign-in"
        asked = urlencode({"client_id": self.settings.client_id, "post_logout_redirect_uri": back})
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{asked}"

    def gone(self, token: str, *, now: datetime) -> Gone:
        """Whom the provider says to be signed out (OpenID Connect Back-Channel Logout 1.0, 2.6); NotBelieved otherwise.

        The token has to be one for signing out, by its type, its event and the nonce that it has not: an ID token is none.
        """
        try:
            with self._client() as client:
                read = jwt.decode(token, self._keys(client, self._described(client)), algorithms=SIGNATURES)
            jwt.JWTClaimsRegistry(
                now=int(now.timestamp()), leeway=LEEWAY, iss={"essential": True, "value": self.settings.issuer},
                aud={"essential": True, "value": self.settings.client_id}, exp={"essential": True},
                iat={"essential": True}, jti={"essential": True},
            ).validate(read.claims)  # fmt: skip
            said = read.claims
            subject, sid = said.get("sub"), said.get("sid")
            if (
                str(read.header.get("typ", "")).lower().removeprefix("application/") != LOGOUT
                or not isinstance(said.get("events"), dict)
                or not isinstance(said["events"].get(EVENT), dict)
                or "nonce" in said
                or not (subject or sid)
                or not all(isinstance(name, str | None) for name in (subject, sid))
            ):
                raise NotBelieved(f"no logout token from {self.settings.issuer}")
            return Gone(self.settings.issuer, subject, sid, datetime.fromtimestamp(said["iat"], UTC))
        except (HTTPError, JoseError, KeyError, ValueError, TypeError, OverflowError) as error:
            raise NotBelieved(f"{type(error).__name__} of a logout token from {self.settings.issuer}") from None

    def _keys(self, client: OAuth2Client, described: Mapping[str, Any]) -> KeySet:
        found = client.request("GET", described["jwks_uri"], withhold_token=True).raise_for_status().json()
        return KeySet.import_key_set(found)

    def _claims(self, given: Mapping[str, Any], keys: KeySet, *, nonce: str, now: datetime) -> dict[str, Any]:
        """What the ID token says, once it holds."""
        token = jwt.decode(str(given["id_token"]), keys, algorithms=SIGNATURES)
        claims = CodeIDToken(
            token.claims,
            token.header,
            {"iss": {"essential": True, "value": self.settings.issuer},
             "aud": {"essential": True, "value": self.settings.client_id}},
            {"nonce": nonce, "client_id": self.settings.client_id, "access_token": given.get("access_token")},
        )  # fmt: skip
        claims.validate(now=int(now.timestamp()), leeway=LEEWAY)
        return dict(claims)

    def _told_more(
        self, client: OAuth2Client, described: Mapping[str, Any], claims: dict[str, Any]
    ) -> Mapping[str, Any]:
        """The claims with those that many providers give at their UserInfo endpoint alone (5.3): of the same subject."""
        wanted = {"email", self.settings.role_claim} - {None}
        if wanted <= claims.keys() or "userinfo_endpoint" not in described:
            return claims
        more = client.request("GET", described["userinfo_endpoint"]).raise_for_status().json()
        if more["sub"] != claims["sub"]:
            raise NotBelieved("the provider told of somebody else")
        return {**more, **claims}

    def _as_known(self, claims: Mapping[str, Any]) -> Known:
        email = claims.get("email") if claims.get("email_verified") is True else None
        role = None
        if self.settings.role_claim:
            said = claims.get(self.settings.role_claim) or ()
            named = {self.settings.roles[one] for one in ([said] if isinstance(said, str) else said)
                     if one in self.settings.roles}  # fmt: skip
            role = max(named, key=ROLES.index, default=None)
            if role is None:
                raise NotBelieved("none of the claims is mapped to a role")
        return Known(
            self.settings.issuer,
            str(claims["sub"]),
            str(email).lower() if email else None,
            role,
            str(claims.get("sid") or ""),
        )

    def _client(self) -> OAuth2Client:
        settings = self.settings
        return OAuth2Client(
            settings.client_id, self._secret, scope="openid email", redirect_uri=settings.page.rstrip("/") + BACK,
            code_challenge_method="S256", timeout=TIMEOUT, verify=str(settings.ca_file) if settings.ca_file else True,
            trust_env=False,
        )  # fmt: skip

    def _described(self, client: OAuth2Client) -> Mapping[str, Any]:
        """The provider's own description (OpenID Connect Discovery 1.0); it has to be of this issuer to the letter."""
        issuer = self.settings.issuer
        try:
            found = client.request("GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration", withhold_token=True)
            described = found.raise_for_status().json()
        except (HTTPError, ValueError) as error:
            logger.warning("the OpenID provider cannot be asked: %s", type(error).__name__)
            raise NotBelieved(f"{issuer} does not describe itself") from None
        names = ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint", "end_session_endpoint")
        if not isinstance(described, dict) or described.get("issuer") != issuer:
            raise NotBelieved(f"what describes itself at {issuer} is somebody else")
        if missing := [name for name in names[:3] if not isinstance(described.get(name), str)]:
            raise NotBelieved(f"{issuer} names no {', '.join(missing)}")
        outer = urlsplit(issuer).hostname not in HERE
        if outer and any(urlsplit(str(described[name])).scheme != "https" for name in names if name in described):
            raise NotBelieved(f"{issuer} names an address that is not https")
        return described
