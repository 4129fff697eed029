"""Signing in and staying so: second factors that a role needs, passwords, sessions, what is on record, and how fast."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pyotp
import pytest
from starlette.testclient import TestClient

from pipeline.errors import ConfigurationError, MonitorError
from pipeline.intake import Limits
from pipeline.review import create_app
from pipeline.review.pace import Pace
from pipeline.settings import ReviewSettings
from pipeline.store import Store, audit, factors, passwords, people, tokens
from pipeline.store.schema import audit_event
from pipeline.triage import Rooms
from tests.conftest import NOW
from tests.review.conftest import PASSWORD, Browser, Visit, item
from tests.review.test_page_map import table

NEEDED = ReviewSettings(second_factor=("supervisor",))


def events(desk: Store, action: str) -> list[tuple[str, str, dict[str, object]]]:
    with desk.read() as connection:
        rows = connection.execute(audit_event.select().where(audit_event.c.action == action))
        return [(row.actor, row.subject, row.body) for row in rows]


@pytest.mark.parametrize("settings", [NEEDED])
def test_whose_role_needs_a_second_factor_can_set_it_up_and_nothing_else(visit: Visit, desk: Store) -> None:
    vi = visit("")
    page = vi.post("/sign-in", data={"login": "vi", "password": PASSWORD})
    assert page.url.path == "/account"
    assert "Your role needs a second factor" in page.text
    assert "Batches" not in page.text
    queue, report = item(desk, "A2").split("/")[2:]
    asked = 0
    for method, path, role in table():
        if role != "everybody" and not path.startswith("/account") and path != "/sign-out":
            where = path.format(
                queue=queue, report=report, other=report, step="claim", batch="x", night="x", form="csv"
            )
            answer = vi.request(method, where, data={"csrf": "x", "version": 1}, follow_redirects=False)
            assert (answer.status_code, answer.headers.get("location")) in {(303, "/account"), (422, None)}, where
            asked += answer.status_code == 303
    assert asked > 15
    with desk.write() as connection:
        token = tokens.issue(connection, "vi", name="t", scopes=tokens.SCOPES, days=1, by="test", now=NOW)
    program = TestClient(vi.app, headers={"Authorization": f"Bearer {token}"})
    assert [program.get(path).status_code for path in ("/api/queues", "/metrics")] == [403, 403]

    csrf = vi.form_values("/account", "/account/factor")
    secret = re.search(r"<code>([A-Z2-7]{32})</code>", vi.post("/account/factor", data=csrf).text)
    assert secret is not None
    on = vi.post("/account/factor/confirm", data={**csrf, "code": pyotp.TOTP(secret[1]).at(NOW)})
    assert "recovery codes" in on.text
    assert "Your role needs a second factor" not in on.text
    assert vi.get("/").url.path == "/"
    assert [program.get(path).status_code for path in ("/api/queues", "/metrics")] == [200, 200]
    with desk.write() as connection:  # as `sitrep people reset-factor` does
        factors.take_off(connection, "vi", by="operator", now=NOW)
    assert vi.get("/").url.path == "/account"
    assert program.get("/api/queues").status_code == 403
    assert visit("ada").get("/").url.path == "/"  # her role needs none


def test_people_change_their_password_with_the_old_one_and_other_sessions_end(visit: Visit, desk: Store) -> None:
    here, elsewhere = visit("ada"), visit("ada")
    values = here.form_values("/account", "/account/password")

    def changed(old: str, new: str) -> int:
        return here.post("/account/password", data={**values, "old": old, "new": new}).status_code

    assert changed("not the old one", "a hill with four horses") == 403
    assert [changed(PASSWORD, new) for new in ("short", "qwertyqwerty", "ada12345678")] == [422, 422, 422]
    assert changed(PASSWORD, "a hill with four horses") == 200
    assert here.get("/").url.path == "/"
    assert elsewhere.get("/").url.path == "/sign-in"
    assert here.post("/sign-in", data={"login": "ada", "password": PASSWORD}).status_code == 403
    assert here.post("/sign-in", data={"login": "ada", "password": "a hill with four horses"}).url.path == "/"


@pytest.mark.parametrize("login", ["monitor", "nightly", "triage"])
def test_nobody_goes_by_what_the_house_itself_goes_by(login: str, desk: Store) -> None:
    """They would see the batches that it took in, and be taken for it in the chain."""
    with pytest.raises(ConfigurationError, match="another login"), desk.write() as connection:
        people.add(connection, login, name="Mo", role="monitor", granted=[], by="test", now=NOW)


def test_five_wrong_old_passwords_close_the_account(visit: Visit) -> None:
    browser = visit("ada")
    values = browser.form_values("/account", "/account/password")
    for old in ["wrong"] * 5 + [PASSWORD]:
        data = {**values, "old": old, "new": "a hill with four horses"}
        assert browser.post("/account/password", data=data).status_code == 403


@pytest.mark.parametrize("password", ["elevenchars", "123456789123", "QWERTYQWERTY", "aaaaaaaaaaaaaaa", "a.okoye-2025"])
def test_a_password_that_others_would_try_is_refused(password: str) -> None:
    with pytest.raises(MonitorError):
        passwords.check(password, login="a.okoye")
    passwords.check("four horses on a hill", login="a.okoye")


def test_people_see_their_sessions_and_end_them(visit: Visit) -> None:
    here, there, third = visit("ada"), visit("ada"), visit("ada")
    page = here.get("/account").text
    handles = re.findall(r'name="session" value="([0-9a-f]{16})"', page)
    assert len(handles) == 2
    assert page.count("this one") == 2  # in the row, and on the button
    csrf = here.form_values("/", "/sign-out")
    bo = visit("bo")
    for handle in (handles[0], "", "%" * 16):  # somebody else's are out of reach
        bo.post("/account/sessions/end", data={**bo.form_values("/", "/sign-out"), "session": handle})
    assert all(browser.get("/").url.path == "/" for browser in (here, there, third))
    here.post("/account/sessions/end", data={**csrf, "session": handles[0]})
    assert sorted(browser.get("/").url.path for browser in (there, third)) == ["/", "/sign-in"]
    here.post("/account/sessions/end", data=csrf)
    assert [browser.get("/").url.path for browser in (here, there, third)] == ["/", "/sign-in", "/sign-in"]


def test_a_session_ends_without_use_and_after_its_hours(desk: Store, rooms: Rooms) -> None:
    clock = [NOW]
    app = create_app(
        desk, policy=rooms.policy, taxonomy=rooms.taxonomy, limits=Limits(), now=lambda: clock[0],
        settings=ReviewSettings(idle_minutes=30, session_hours=1),
    )  # fmt: skip
    browser = TestClient(app)

    def at(minutes: int) -> str:
        clock[0] = NOW + timedelta(minutes=minutes)
        return str(browser.get("/").url.path)

    def signed_in() -> None:
        clock[0] = NOW
        browser.post("/sign-in", data={"login": "ada", "password": PASSWORD})

    signed_in()
    assert [at(29), at(58), at(61)] == ["/", "/", "/sign-in"]
    signed_in()
    assert at(31) == "/sign-in"


def test_by_https_the_cookie_is_the_hosts_alone(desk: Store, rooms: Rooms) -> None:
    app = create_app(
        desk, policy=rooms.policy, taxonomy=rooms.taxonomy, limits=Limits(), now=lambda: NOW, secure=True,
        settings=ReviewSettings(hsts_subdomains=True),
    )  # fmt: skip
    browser = Browser(app, base_url="https://testserver")
    answer = browser.post("/sign-in", data={"login": "ada", "password": PASSWORD}, follow_redirects=False)
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-sitrep-session=")
    assert [part in cookie for part in ("Secure", "HttpOnly", "Path=/", "Domain")] == [True, True, True, False]
    assert answer.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
    assert browser.get("/").url.path == "/"
    left = browser.post("/sign-out", data=browser.form_values("/", "/sign-out"), follow_redirects=False)
    assert left.headers["set-cookie"].startswith('__Host-sitrep-session=""')
    assert "Secure" in left.headers["set-cookie"]


def test_failed_sign_ins_are_on_record_and_no_name_that_nobody_has(visit: Visit, desk: Store) -> None:
    browser = visit("")
    for login in ("ada", "hunter2hunter2"):
        browser.post("/sign-in", data={"login": login, "password": "wrong"})
    TestClient(browser.app, headers={"Authorization": "Bearer sitrep_wrong"}).get("/api/me")
    assert events(desk, "sign-in failed") == [
        (people.NOBODY, "ada", {"step": "password"}),
        (people.NOBODY, people.NOBODY, {"step": "password"}),
        (people.NOBODY, people.NOBODY, {"step": "token"}),
    ]
    with desk.read() as connection:
        assert not [row for row in connection.execute(audit_event.select()) if "hunter2" in str(row)]


def test_strangers_cannot_fill_the_record(store: Store) -> None:
    def fail(at: datetime) -> None:
        with store.write() as connection:
            people.failed(connection, people.NOBODY, step="password", now=at)

    for _ in range(audit.MOST + 5):
        fail(NOW)
    found = [body for _, _, body in events(store, "sign-in failed")]
    assert len(found) == audit.MOST
    assert ["more" in body for body in found] == [False] * (audit.MOST - 1) + [True]
    fail(NOW + audit.WHILE)
    assert len(events(store, "sign-in failed")) == audit.MOST + 1


def test_refused_requests_are_on_record_without_what_they_asked_about(visit: Visit, desk: Store) -> None:
    path, ada = item(desk, "A6"), visit("ada")
    for page in (path, "/queues/no-such-queue", "/people"):
        assert ada.get(page).status_code == 404
    assert events(desk, "request refused") == [
        ("ada", "ada", {"method": "GET", "page": page}) for page in ("/queues/{queue}/{report}", "/queues/{queue}", "/people")
    ]  # fmt: skip
    with desk.write() as connection:
        token = tokens.issue(connection, "ada", name="t", scopes=["read"], days=1, by="test", now=NOW)
    program = TestClient(ada.app, headers={"Authorization": f"Bearer {token}"})
    assert program.get(f"/api{path.replace('/r', '/items/r')}").status_code == 404
    assert program.post("/api/batches", json={"reports": [{"text": "x"}]}).status_code == 403
    assert [body["method"] for _, _, body in events(desk, "request refused")] == ["GET", "GET", "GET", "GET", "POST"]


@pytest.mark.parametrize("settings", [ReviewSettings(requests_per_minute=5)])
def test_who_goes_too_fast_is_told_to_wait(visit: Visit, desk: Store) -> None:
    ada, bo = visit("ada"), visit("bo")  # each has seen the board
    answers = [ada.get("/") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 4 + [429] * 2
    assert int(answers[-1].headers["retry-after"]) > 0
    assert bo.get("/").status_code == 200
    with desk.write() as connection:
        token = tokens.issue(connection, "cy", name="t", scopes=["read"], days=1, by="test", now=NOW)
    program = TestClient(ada.app, headers={"Authorization": f"Bearer {token}"})
    assert [program.get("/api/me").status_code for _ in range(6)] == [200] * 5 + [429]


def test_a_pace_lets_a_minutes_worth_pass_at_once_and_then_so_many_a_minute() -> None:
    clock = [NOW]
    pace = Pace(60, now=lambda: clock[0])
    assert sum(pace.wait("ada") == 0 for _ in range(200)) == 60
    assert pace.wait("ada") == pytest.approx(1.0, abs=0.01)
    assert pace.wait("bo") == 0
    passed = 0
    for _ in range(300):
        clock[0] += timedelta(seconds=0.2)
        passed += pace.wait("ada") == 0
    assert 59 <= passed <= 61
    assert all(Pace(0, now=lambda: NOW).wait("ada") == 0 for _ in range(1000))
