"""What holds for every page, and the digests of the nights."""

from __future__ import annotations

from pathlib import Path

from pipeline.store import Store
from tests.review.conftest import Visit, item


def test_nobody_sees_anything_without_signing_in(visit: Visit, desk: Store) -> None:
    browser = visit("")
    for page in ("/", "/queues/investigations", item(desk, "A1"), "/batches", "/people", "/submit"):
        assert browser.get(page).url.path == "/sign-in"


def test_a_form_from_elsewhere_is_refused(visit: Visit, desk: Store) -> None:
    path = item(desk, "A2")
    browser = visit("ada")
    values = browser.form_values(path, f"{path}/claim")
    assert browser.post(f"{path}/claim", data={**values, "csrf": "x" * 32}).status_code == 422
    assert browser.post(f"{path}/claim", data={**values, "csrf": "é" * 32}).status_code == 422
    assert "open" in browser.get(path).text


def test_every_answer_forbids_scripts_from_elsewhere_frames_and_caches(visit: Visit) -> None:
    for page in ("/", "/sign-in", "/nowhere", "/static/style.css"):
        headers = visit("ada").get(page).headers
        assert "script-src 'self'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"


def test_a_supervisor_reads_the_digests_of_the_nights(visit: Visit, tmp_path: Path) -> None:
    vi = visit("vi")
    assert "None yet" in vi.get("/digests").text
    folder = tmp_path / "digests"
    folder.mkdir()
    (folder / "2025-02-13.html").write_text("<h1>Digest of 13 February 2025</h1>", encoding="utf-8")
    (folder / "secret.html").write_text("no digest", encoding="utf-8")
    assert "secret" not in vi.get("/digests").text
    answer = vi.get("/digests/2025-02-13")
    assert "Digest of 13 February" in answer.text
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "script-src" not in answer.headers["content-security-policy"]
    for night in ("secret", "2025-02-14", "..%2Fsecret"):
        assert vi.get(f"/digests/{night}").status_code == 404
    assert [visit(who).get("/digests").status_code for who in ("ada", "mo", "su")] == [404, 404, 200]
