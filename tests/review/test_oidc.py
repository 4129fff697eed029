"""Signing in with an account elsewhere: whom an administrator linked comes in, and nobody by a word that does not hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import httpx2
import pyotp
import pytest
from joserfc.jwk import ECKey
from starlette.testclient import TestClient

from pipeline.errors import ConfigurationError
from pipeline.intake import Limits
from pipeline.review import create_app
from pipeline.review.oidc import Known, NotBelieved, Provider
from pipeline.settings import OidcSettings
from pipeline.store import Store, audit, factors, identities, people
from pipeline.triage import Rooms
from tests.conftest import NOW
from tests.oidc import CLIENT, SECRET, SmallProvider, running
from tests.review.conftest import PASSWORD

PAGE = "http://127.0.0.1:8321"
Browse = Callable[..., TestClient]


@pytest.fixture(scope="module")
def started() -> Iterator[SmallProvider]:
    import pytest_socket

    pytest_socket.enable_socket()
    with running(now=lambda: NOW) as provider:
        yield provider
    pytest_socket.disable_socket(allow_unix_socket=True)


@pytest.fixture
def elsewhere(started: SmallProvider) -> SmallProvider:
    """The provider, which tells the truth."""
    started.claims, started.more, started.left_out, started.key = {}, {}, set(), started.published
    started.lets_out, started.left = True, []
    return started


@pytest.fixture
def browse(desk: Store, rooms: Rooms, elsewhere: SmallProvider, socket_enabled: None) -> Browse:
    """A browser on a page whose provider it is; ada is linked by her address."""
    with desk.write() as connection:
        identities.link(
            connection, "ada", issuer=elsewhere.issuer, subject=None, email="Ada@example.org", by="test", now=NOW
        )

    def made(**more: Any) -> TestClient:
        settings = OidcSettings(issuer=elsewhere.issuer, client_id=CLIENT, page=PAGE, **more)
        app = create_app(
            desk, policy=rooms.policy, taxonomy=rooms.taxonomy, limits=Limits(), now=lambda: NOW,
            provider=Provider(settings, secret=SECRET),
        )  # fmt: skip
        return TestClient(app, base_url=PAGE)

    return made


def sent_back(browser: TestClient) -> str:
    """Where the provider sends somebody who went there from the sign-in page."""
    assert "/sign-in/provider" in browser.get("/sign-in").text
    leaves = browser.get("/sign-in/provider", follow_redirects=False)
    returns = httpx2.get(leaves.headers["location"], follow_redirects=False)
    assert returns.status_code == 302
    return str(returns.headers["location"])


def came_in(browser: TestClient) -> str:
    """Who is signed in after a way to the provider and back; empty for nobody."""
    browser.get(sent_back(browser))
    page = browser.get("/account")
    found = re.search(r'<p class="quiet">(\S+), ', page.text) if page.url.path == "/account" else None
    return found[1] if found else ""


def test_who_is_linked_comes_in_and_their_subject_is_kept(
    browse: Browse, elsewhere: SmallProvider, desk: Store
) -> None:
    browser = browse()
    back = browser.get(sent_back(browser))
    assert 'content="0;url=/"' in back.text
    assert browser.get("/").url.path == "/"
    asked = elsewhere.asked[-1]
    assert len(asked["state"]) == len(asked["nonce"]) == 43
    assert asked["redirect_uri"] == f"{PAGE}/sign-in/provider/back"
    elsewhere.claims = {"email": "other@example.org"}
    assert came_in(browse()) == "ada"  # by her subject
    elsewhere.claims = {"sub": "somebody else's"}
    assert came_in(browse()) == ""  # her address, given to somebody else
    with desk.write() as connection:
        identities.unlink(connection, "ada", by="test", now=NOW)
        actions = [e.action for e in audit.events(connection, subject="ada")]
    assert actions[-4:] == ["account linked", "signed in", "signed in", "account unlinked"]
    elsewhere.claims = {}
    assert came_in(browse()) == ""


def test_whose_account_is_replaced_is_signed_out(browse: Browse, elsewhere: SmallProvider, desk: Store) -> None:
    browser = browse()
    browser.get(sent_back(browser))
    with desk.write() as connection:
        identities.link(
            connection, "ada", issuer=elsewhere.issuer, subject="another", email=None, by="test", now=NOW
        )  # fmt: skip
    assert browser.get("/").url.path == "/sign-in"


MOMENT = int(NOW.timestamp())


def believed(elsewhere: SmallProvider, *, verifier: str = "v" * 43) -> Known:
    """Whom the provider signed in, asked without a page."""
    provider = Provider(OidcSettings(issuer=elsewhere.issuer, client_id=CLIENT, page=PAGE), secret=SECRET)
    address = provider.address(state="s", nonce="n", verifier="v" * 43)
    code = re.search(r"code=([^&]+)", httpx2.get(address, follow_redirects=False).headers["location"])
    assert code is not None
    return provider.known(code[1], nonce="n", verifier=verifier, now=NOW)


@pytest.mark.parametrize(
    "lie",
    [
        {"nonce": "another"}, {"nonce": None}, {"aud": "another-client"}, {"aud": ["another-client", CLIENT]},
        {"azp": "another-client"}, {"iss": "https://elsewhere.example.org"}, {"exp": MOMENT - 120}, {"exp": None},
        {"iat": MOMENT + 3600}, {"sub": None},
    ],
    ids=str,
)  # fmt: skip
def test_a_token_that_does_not_hold_is_not_believed(
    elsewhere: SmallProvider, socket_enabled: None, lie: dict[str, Any]
) -> None:
    assert believed(elsewhere).subject == "248289"
    elsewhere.claims = lie
    with pytest.raises(NotBelieved):
        believed(elsewhere)


def test_a_token_that_another_key_signed_or_a_code_without_its_verifier_is_not_believed(
    elsewhere: SmallProvider, socket_enabled: None
) -> None:
    with pytest.raises(NotBelieved):
        believed(elsewhere, verifier="w" * 43)
    elsewhere.key = ECKey.generate_key("P-256", {"kid": "one"})
    with pytest.raises(NotBelieved):
        believed(elsewhere)


def test_who_describes_themselves_as_somebody_else_is_not_believed(
    elsewhere: SmallProvider, socket_enabled: None
) -> None:
    settings = OidcSettings(issuer=f"{elsewhere.issuer}/", client_id=CLIENT, page=PAGE)
    with pytest.raises(NotBelieved, match="somebody else"):
        Provider(settings, secret=SECRET).address(state="s", nonce="n", verifier="v" * 43)


def test_who_describes_themselves_by_half_is_not_believed(elsewhere: SmallProvider, socket_enabled: None) -> None:
    elsewhere.left_out = {"authorization_endpoint"}
    settings = OidcSettings(issuer=elsewhere.issuer, client_id=CLIENT, page=PAGE)
    with pytest.raises(NotBelieved, match="names no authorization_endpoint"):
        Provider(settings, secret=SECRET).address(state="s", nonce="n", verifier="v" * 43)


@pytest.mark.parametrize("said", [True, False, "true", None])
def test_an_address_counts_only_where_the_provider_verified_it(
    elsewhere: SmallProvider, socket_enabled: None, said: object
) -> None:
    elsewhere.claims = {"email_verified": said}
    assert believed(elsewhere).email == ("ada@example.org" if said is True else None)


def test_what_the_token_leaves_out_is_asked_for_and_believed_of_the_same_subject(
    elsewhere: SmallProvider, socket_enabled: None
) -> None:
    elsewhere.claims = {"email": None, "email_verified": None}
    elsewhere.more = {"email": "ada@example.org", "email_verified": True}
    assert believed(elsewhere).email is None  # the token's own word counts
    elsewhere.left_out = {"email", "email_verified"}
    assert believed(elsewhere).email == "ada@example.org"
    elsewhere.more["sub"] = "somebody else's"
    with pytest.raises(NotBelieved):
        believed(elsewhere)


@pytest.mark.parametrize(
    "lie", [{"nonce": "another"}, {"email_verified": False}, {"email": "nobody@example.org"}], ids=str
)
def test_nobody_comes_in_whom_nobody_linked_or_by_a_word_that_does_not_hold(
    browse: Browse, elsewhere: SmallProvider, desk: Store, lie: dict[str, Any]
) -> None:
    elsewhere.claims = lie
    browser = browse()
    back = browser.get(sent_back(browser))
    assert back.status_code == 403
    assert "opens nothing here" in back.text
    assert browser.get("/").url.path == "/sign-in"
    with desk.read() as connection:
        (failed,) = (e for e in audit.events(connection, subject=people.NOBODY) if e.action == "sign-in failed")
    assert failed.body == {"step": "provider"}


def test_an_answer_counts_once_and_in_the_browser_that_asked(browse: Browse) -> None:
    asked, other = browse(), browse()
    back = sent_back(asked)
    assert other.get(back).status_code == 403  # somebody was sent a link with another's code
    cookie = asked.cookies["sitrep-provider"]
    assert asked.get(back).status_code == 200
    asked.cookies.set("sitrep-provider", cookie)
    assert asked.get(back).status_code == 403
    assert asked.get("/sign-in/provider/back?error=access_denied").status_code == 403


def test_a_second_factor_is_asked_for_here_too_and_a_closed_account_stays_closed(browse: Browse, desk: Store) -> None:
    with desk.write() as connection:
        totp = pyotp.TOTP(factors.begin(connection, "ada"))
        assert factors.confirm(connection, "ada", totp.at(NOW - timedelta(seconds=30)), now=NOW)
    browser = browse()
    assert 'content="0;url=/sign-in/code"' in browser.get(sent_back(browser)).text
    assert browser.get("/").url.path == "/sign-in"
    assert browser.post("/sign-in/code", data={"code": totp.at(NOW)}).url.path == "/"
    assert "/leave?" in sign_out(browser).text  # it is known still who signed her in
    with desk.write() as connection:
        people.disable(connection, "ada", by="test", now=NOW)
    assert came_in(browse()) == ""


def sign_out(browser: TestClient) -> Any:
    """The answer to signing out on the page that one is on."""
    token = re.search(r'name="csrf" value="([^"]+)"', browser.get("/account").text)
    assert token is not None
    return browser.post("/sign-out", data={"csrf": token[1]}, follow_redirects=False)


def test_who_signs_out_here_is_sent_to_sign_out_there(browse: Browse, elsewhere: SmallProvider, desk: Store) -> None:
    browser = browse()
    assert came_in(browser) == "ada"
    page = sign_out(browser)
    onward = re.search(r'content="0;url=([^"]+)"', page.text)
    assert onward is not None
    assert browser.get("/").url.path == "/sign-in"
    there = httpx2.get(onward[1].replace("&amp;", "&"), follow_redirects=False)
    assert there.headers["location"] == f"{PAGE}/sign-in"
    assert elsewhere.left == [{"client_id": CLIENT, "post_logout_redirect_uri": f"{PAGE}/sign-in"}]
    elsewhere.lets_out = False
    assert came_in(browser) == "ada"
    assert sign_out(browser).headers["location"] == "/sign-in"
    browser.post("/sign-in", data={"login": "bo", "password": PASSWORD})
    elsewhere.lets_out = True
    assert sign_out(browser).headers["location"] == "/sign-in"  # no provider signed him in


def test_who_signs_out_there_is_signed_out_here_of_the_sessions_that_it_began(
    browse: Browse, elsewhere: SmallProvider, desk: Store
) -> None:
    one, two, own = browse(), browse(), browse()
    own.post("/sign-in", data={"login": "ada", "password": PASSWORD})
    for browser, elsewhere.claims in ((one, {"sid": "one"}), (two, {"sid": "two"})):
        assert came_in(browser) == "ada"

    def signed_in() -> list[bool]:
        return [browser.get("/").url.path == "/" for browser in (one, two, own)]

    def told(**claims: Any) -> int:
        return own.post("/sign-in/provider/out", data={"logout_token": elsewhere.logout_token(**claims)}).status_code

    assert (told(sid="another"), signed_in()) == (200, [True, True, True])
    assert (told(sub="somebody else's", sid="one"), signed_in()) == (200, [True, True, True])
    assert (told(sid="one"), signed_in()) == (200, [False, True, True])
    assert (told(sub="248289"), signed_in()) == (200, [False, False, True])
    with desk.read() as connection:
        ended = [e.body for e in audit.events(connection, subject="ada") if e.action == "signed out"]
    assert ended == [{"by": "provider", "sessions": 1}] * 2


@pytest.mark.parametrize(
    "lie",
    [
        {"typ": "JWT"}, {"nonce": "n"}, {"events": None}, {"events": {"another": {}}}, {"aud": "another-client"},
        {"iss": "https://elsewhere.example.org"}, {"exp": MOMENT - 120}, {"exp": None}, {"iat": MOMENT + 3600},
        {"iat": -(10**20)},
        {"jti": None}, {"sub": None}, {"sub": ["248289"]},
    ],
    ids=str,
)  # fmt: skip
def test_a_word_of_signing_out_that_does_not_hold_is_not_believed(
    elsewhere: SmallProvider, socket_enabled: None, lie: dict[str, Any]
) -> None:
    provider = Provider(OidcSettings(issuer=elsewhere.issuer, client_id=CLIENT, page=PAGE), secret=SECRET)
    assert provider.gone(elsewhere.logout_token(sub="248289"), now=NOW).subject == "248289"
    with pytest.raises(NotBelieved):
        provider.gone(elsewhere.logout_token(**{"sub": "248289", **lie}), now=NOW)
    elsewhere.key = ECKey.generate_key("P-256", {"kid": "one"})
    with pytest.raises(NotBelieved):
        provider.gone(elsewhere.logout_token(sub="248289"), now=NOW)


def test_a_word_of_signing_out_that_does_not_hold_or_is_old_ends_nothing(
    browse: Browse, elsewhere: SmallProvider
) -> None:
    browser = browse()
    assert came_in(browser) == "ada"
    for status, token in (
        (400, elsewhere.logout_token(sub="248289", nonce="n")),
        (400, "no token"),
        (200, elsewhere.logout_token(sub="248289", iat=MOMENT - 90)),  # of an earlier session, sent again
    ):
        answer = browser.post("/sign-in/provider/out", data={"logout_token": token})
        assert (answer.status_code, browser.get("/").url.path) == (status, "/")


def test_roles_follow_a_claim_only_where_the_settings_map_it(
    browse: Browse, elsewhere: SmallProvider, desk: Store
) -> None:
    def role() -> str:
        with desk.read() as connection:
            return people.find(connection, "ada").role

    elsewhere.claims = {"groups": ["staff", "desk-leads"]}
    assert (came_in(browse()), role()) == ("ada", "reviewer")
    mapped = {"role_claim": "groups", "roles": {"desk-leads": "supervisor", "desk": "reviewer"}}
    assert (came_in(browse(**mapped)), role()) == ("ada", "supervisor")
    elsewhere.claims = {"groups": ["desk"]}
    assert (came_in(browse(**mapped)), role()) == ("ada", "reviewer")
    elsewhere.claims = {"groups": ["staff"]}
    assert (came_in(browse(**mapped)), role()) == ("", "reviewer")


def test_without_a_provider_there_is_nothing_of_it(desk: Store, rooms: Rooms) -> None:
    app = create_app(desk, policy=rooms.policy, taxonomy=rooms.taxonomy, limits=Limits(), now=lambda: NOW)
    browser = TestClient(app)
    assert "provider" not in browser.get("/sign-in").text
    assert [browser.get(f"/sign-in/provider{end}").status_code for end in ("", "/back?state=x&code=y")] == [404, 404]
    assert browser.post("/sign-in/provider/out", data={"logout_token": "x"}).status_code == 404


def test_only_https_is_taken_of_other_machines() -> None:
    for issuer, page in (("http://id.example.org", PAGE), ("https://id.example.org", "http://sitrep.example.org")):
        with pytest.raises(ConfigurationError):
            Provider(OidcSettings(issuer=issuer, client_id=CLIENT, page=page), secret=SECRET)
