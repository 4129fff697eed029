"""What was typed and could not be taken is given back: nobody loses their words to a clock or a colleague."""

from __future__ import annotations

import html
import re
from datetime import timedelta

from pipeline.store import Store, corrections, reports
from pipeline.store.accounts import session
from tests.conftest import NOW
from tests.review.conftest import PASSWORD, Browser, Visit, item

FROM_OUR_PAGE = {"Sec-Fetch-Site": "same-origin"}
NOTE = "two sources:\r\n  a nurse & <a teacher>"


def fields(page: str, action: str) -> list[tuple[str, str]]:
    """The hidden fields of a form of a page that was given back, as a browser sends them."""
    form = re.search(rf'<form[^>]*action="{re.escape(action)}".*?</form>', page, re.DOTALL)
    assert form is not None
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', form[0], re.DOTALL)
    return [(html.unescape(name), html.unescape(value)) for name, value in found]


def send(browser: Browser, action: str, sent: list[tuple[str, str]], **headers: str):  # type: ignore[no-untyped-def]
    data: dict[str, list[str]] = {}
    for name, value in sent:
        data.setdefault(name, []).append(value)
    return browser.post(action, data=data, headers=headers)


def test_what_was_typed_when_the_session_ended_is_sent_after_signing_in_again(visit: Visit, desk: Store) -> None:
    path, browser = item(desk, "A2"), visit("ada")
    filled = browser.form_values(path, f"{path}/decide") | {
        "violations": ["forced_displacement"], "urgency": ["low"], "note": [NOTE], "action": ["save"],
    }  # fmt: skip
    with desk.write() as connection:
        connection.execute(session.delete())
    elsewhere = browser.post(f"{path}/decide", data=filled, headers={"Sec-Fetch-Site": "cross-site"})
    assert elsewhere.url.path == "/sign-in"
    assert "a nurse" not in elsewhere.text
    page = browser.post(f"{path}/decide", data=filled, headers=FROM_OUR_PAGE)
    assert page.status_code == 401
    assert "Your session ended" in page.text
    browser.post("/sign-in", data={"login": "ada", "password": PASSWORD})
    page = send(browser, f"{path}/decide", fields(page.text, f"{path}/decide"), **FROM_OUR_PAGE)
    assert "Send it as Ada" in page.text
    assert "<a teacher>" not in page.text
    assert send(browser, f"{path}/decide", fields(page.text, f"{path}/decide"), **FROM_OUR_PAGE).status_code == 200
    with desk.read() as connection:
        (word,) = corrections.of_report(connection, reports.find(connection, path.rpartition("/")[2])[0])
    assert (word.by, word.body["violations"], word.note) == ("ada", ["forced_displacement"], NOTE)


def test_what_was_typed_when_a_colleague_was_faster_can_be_read_and_copied(visit: Visit, desk: Store) -> None:
    path, ada, bo = item(desk, "A2"), visit("ada"), visit("bo")
    theirs = bo.form_values(path, f"{path}/decide")
    ada.post(f"{path}/claim", data=ada.form_values(path, f"{path}/claim"))
    sent = {**theirs, "violations": ["forced_displacement"], "action": "confirmed", "urgency": "low", "note": NOTE}
    page = bo.post(f"{path}/decide", data=sent, headers=FROM_OUR_PAGE)
    assert page.status_code == 409
    assert "a nurse &amp; &lt;a teacher&gt;" in page.text
    assert f'action="{path}/decide"' not in page.text  # to be looked at again first
    assert f'href="{path}"' in page.text


def test_asking_how_long_a_session_lasts_is_no_use_of_it_but_staying_is(visit: Visit, desk: Store) -> None:
    browser = visit("ada")
    with desk.write() as connection:
        connection.execute(session.update().values(seen_at=NOW - timedelta(minutes=50)))
    left = [[600, 36_000], [600, 36_000], [3600, 36_000], [3600, 36_000]]
    asked = ["", "", "?stay=true", ""]
    assert [browser.get(f"/account/session{how}").json() for how in asked] == left
    with desk.write() as connection:
        connection.execute(session.update().values(seen_at=NOW - timedelta(minutes=61)))
    assert browser.get("/account/session?stay=true").url.path == "/sign-in"


def test_signing_out_has_the_browser_forget(visit: Visit) -> None:
    browser = visit("ada")
    values = browser.form_values("/account", "/sign-out")
    answer = browser.post("/sign-out", data=values, follow_redirects=False)
    assert answer.headers["clear-site-data"] == '"cache", "storage"'
