"""Passwords, invitations, second factors and sessions on the page."""

from __future__ import annotations

import re
from datetime import timedelta

import pyotp

from tests.conftest import NOW
from tests.review.conftest import PASSWORD, Visit


def test_five_wrong_passwords_close_the_account_for_a_while(visit: Visit) -> None:
    browser = visit("")
    for _ in range(5):
        assert browser.post("/sign-in", data={"login": "ada", "password": "wrong"}).status_code == 403
    assert browser.post("/sign-in", data={"login": "ada", "password": "four horses on a hill"}).status_code == 403


def test_an_administrator_invites_and_the_link_works_once(visit: Visit) -> None:
    browser = visit("su")
    values = browser.form_values("/people", "/people")
    page = browser.post("/people", data={**values, "login": "di", "name": "Di", "role": "reviewer"}).text
    link = re.search(r"/invitation#([\w-]+)", page)
    assert link is not None
    fresh = visit("")

    def accepted(password: str) -> str:
        answer = fresh.post("/invitation", data={"invitation": link[1], "password": password})
        return f"{answer.status_code} {answer.url.path}"

    assert accepted("too short") == "422 /invitation"
    assert accepted("password1234") == "422 /invitation"  # among the commonest
    assert accepted("a long enough one") == "200 /sign-in"
    assert accepted("another long one") == "422 /invitation"
    assert fresh.post("/sign-in", data={"login": "di", "password": "a long enough one"}).url.path == "/"


def test_a_second_factor_is_set_up_asked_for_and_taken_off(visit: Visit) -> None:
    browser = visit("ada")
    csrf = browser.form_values("/account", "/account/factor")
    page = browser.post("/account/factor", data=csrf).text
    assert "<svg" in page
    found = re.search(r"<code>([A-Z2-7]{32})</code>", page)
    assert found is not None
    totp = pyotp.TOTP(found[1])
    assert "The code is wrong" in browser.post("/account/factor/confirm", data={**csrf, "code": "000000x"}).text
    page = browser.post("/account/factor/confirm", data={**csrf, "code": totp.at(NOW - timedelta(seconds=30))}).text
    recovery = re.findall(r"<code>([a-z2-9]{8}-[a-z2-9]{8})</code>", page)
    assert len(set(recovery)) == 10

    fresh = visit("")

    def password() -> str:
        answer = fresh.post("/sign-in", data={"login": "ada", "password": PASSWORD})
        assert answer.url.path == "/sign-in/code"
        assert fresh.get("/").url.path == "/sign-in"  # not signed in yet
        return answer.text

    def code(given: str) -> str:
        return str(fresh.post("/sign-in/code", data={"code": given}).url.path)

    password()
    assert code(totp.at(NOW - timedelta(seconds=30))) == "/sign-in/code"  # taken when it was set up
    assert code(totp.at(NOW)) == "/"
    fresh.cookies.clear()
    password()
    assert code(totp.at(NOW)) == "/sign-in/code"  # a replay
    assert code(recovery[0].upper().replace("-", " ")) == "/"
    fresh.cookies.clear()
    password()
    assert code(recovery[0]) == "/sign-in/code"
    values = browser.form_values("/account", "/account/factor/remove")
    assert "The code is wrong" in browser.post("/account/factor/remove", data={**values, "code": recovery[0]}).text
    assert "Off." in browser.post("/account/factor/remove", data={**values, "code": recovery[1]}).text
    assert fresh.post("/sign-in", data={"login": "ada", "password": PASSWORD}).url.path == "/"


def test_signing_out_ends_the_session(visit: Visit) -> None:
    browser = visit("ada")
    values = browser.form_values("/", "/sign-out")
    token = browser.cookies["sitrep-session"]
    browser.post("/sign-out", data=values)
    browser.cookies.set("sitrep-session", token)
    assert browser.get("/").url.path == "/sign-in"


def test_who_chooses_a_password_that_does_not_do_keeps_the_invitation(visit: Visit) -> None:
    administrator = visit("su")
    values = administrator.form_values("/people", "/people")
    person = {**values, "login": "di", "name": "Di <Dee>", "role": "supervisor"}
    link = re.search(r"/invitation#([\w-]+)", administrator.post("/people", data=person).text)
    assert link is not None
    page = visit("").post("/invitation", data={"invitation": link[1], "password": "password1234"})
    assert page.status_code == 422
    assert f'value="{link[1]}"' in page.text
    assert re.search(r'id="password"[^>]*aria-invalid="true" aria-describedby="wrong"', page.text)
    again = administrator.post("/people", data=person)  # the login is taken
    assert again.status_code == 422
    assert 'role="alert" id="wrong">There is a person' in again.text
    assert 'value="Di &lt;Dee&gt;"' in again.text
    assert "<option selected>supervisor</option>" in again.text
