"""The page's requests, over HTTP."""

import http.client
import json
import re
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from label_page import TOKEN, run_label_page
from tiny_pictures import encode, gradient, solid, write_files

from pipeline.labelling.label_app import MAX_BODY
from pipeline.labelling.picture_list import picture_id

JPEG, TIFF, BAD = "fog/_to_label/1.jpg", "fog/_to_label/2.tif", "<b>fog/<i>3.jpg"


@pytest.fixture(name="page", scope="module")
def _page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("label") / "<script>"
    write_files(
        folder, {JPEG: solid("red", form="JPEG"), TIFF: encode(gradient(), "TIFF"), BAD: b"bad"}
    )
    with run_label_page(folder, ["dog"], {TIFF: ("dog", 0.9)}) as page:
        yield page


def state(page):
    return json.loads(page.get("state")[1])


def test_the_page_loads_nothing_from_elsewhere_and_escapes_the_name_of_the_folder(page):
    status, body, headers = page.get("")
    text = body.decode()
    assert status == 200
    assert "<h1>&lt;script&gt;</h1>" in text
    assert text.count("<script>") == 1
    assert re.findall(r'(?:src|href)="([^"]*)"', text) == ["data:,"]
    assert "{{" not in text
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("path", ["", "state", "pictures/" + picture_id(JPEG)])
def test_without_the_token_or_for_another_host_nothing_is_told(page, path):
    assert page.get(path, Host="evil.example.com")[0] == 421
    for token in ("", "wrong", TOKEN + "x", TOKEN[:-1]):
        assert replace(page, token=token).get(path)[0] == 404


def test_a_request_for_no_path_is_refused(page):
    connection = http.client.HTTPConnection(urlsplit(page.root).netloc, timeout=30)
    connection.request("OPTIONS", "*")
    assert connection.getresponse().status == 404
    connection.close()


def test_a_picture_is_shown_as_it_is_or_as_png(page):
    status, body, headers = page.get(f"pictures/{picture_id(JPEG)}")
    assert (status, body, headers["content-type"]) == (200, solid("red", form="JPEG"), "image/jpeg")
    _, body, headers = page.get(f"pictures/{picture_id(TIFF)}")
    assert (body[:4], headers["content-type"]) == (b"\x89PNG", "image/png")
    assert headers["x-content-type-options"] == "nosniff"


def test_a_file_that_is_no_picture_is_marked_with_the_reason(page):
    status, body, _ = page.get(f"pictures/{picture_id(BAD)}")
    assert (status, json.loads(body)) == (415, {"error": "not a picture in a known format"})
    [shown] = [one for one in state(page)["pictures"] if one["id"] == picture_id(BAD)]
    assert shown["kind"] == "unusable"
    assert (shown["domain"], shown["name"]) == ("<b>fog", "<i>3.jpg")
    assert json.loads(page.get("proposals")[1])["unreadable"] == [picture_id(BAD)]


def test_a_file_that_is_no_picture_gets_no_label(page):
    for kind, label, status in (("labelled", "dog", 409), ("unusable", "", 200)):
        decision = {"id": picture_id(BAD), "kind": kind, "label": label}
        assert page.post("decisions", decision)[0] == status
    assert page.session.decision(picture_id(BAD)).kind == "unusable"
    assert page.post("undo", {})[0] == 200


def test_only_ids_of_the_list_name_a_picture(page):
    for other in ("..%2f..%2fetc%2fpasswd", JPEG.replace("/", "%2f"), "0" * 16):
        assert page.get(f"pictures/{other}")[0] == 404


def test_proposals_are_given_after_those_that_are_known(page):
    first = json.loads(page.get("proposals?after=0")[1])
    assert first["proposals"] == [{"picture": picture_id(TIFF), "label": "dog", "confidence": 0.9}]
    assert not first["is_running"]
    assert json.loads(page.get("proposals?after=1")[1])["proposals"] == []
    assert page.get("proposals?after=x")[0] == 400


def test_a_decision_a_new_class_and_undo(page):
    status, body = page.post("classes", {"name": " owl "})
    assert (status, body) == (200, {"name": "owl", "classes": ["dog", "owl"]})
    decision = {"id": picture_id(JPEG), "kind": "labelled", "label": "owl"}
    assert page.post("decisions", decision)[1]["label"] == "owl"
    assert page.session.decision(picture_id(JPEG)).label == "owl"
    assert page.post("undo", {})[1] == {
        "id": picture_id(JPEG),
        "kind": "open",
        "label": "",
        "reason": "",
    }
    assert page.post("undo", {}) == (200, {})


@pytest.mark.parametrize(
    ("path", "body", "status", "error"),
    [
        ("decisions", b"{", 400, "no JSON"),
        ("decisions", {"id": 1, "kind": "skipped", "label": ""}, 400, "no object with id, kind"),
        ("decisions", [], 400, "no object"),
        ("decisions", {"id": "x", "kind": "skipped", "label": ""}, 400, "Load the page again"),
        ("classes", {"name": "../x"}, 400, "holds a slash"),
        ("classes", b" " * (MAX_BODY + 1), 413, "more than 16,384 bytes"),
    ],
)
def test_a_wrong_request_changes_nothing_and_says_why(page, path, body, status, error):
    before = state(page)
    given, answer = page.post(path, body)
    assert given == status
    assert error in answer["error"]
    assert state(page) == before


def test_a_decision_about_a_file_that_was_changed_is_refused(tmp_path):
    folder = tmp_path / "pictures"
    write_files(folder, {JPEG: solid("red", form="JPEG")})
    with run_label_page(folder, ["dog"]) as page:
        write_files(folder, {JPEG: b"changed"})
        decision = {"id": picture_id(JPEG), "kind": "labelled", "label": "dog"}
        status, body = page.post("decisions", decision)
        assert status == 409
        assert "the file was changed or removed since the start" in body["error"]
        assert page.session.decision(picture_id(JPEG)) is None


def test_finish_returns_what_was_written(page):
    assert page.get("finish")[0] == 405
    assert page.post("finish", {}) == (200, {"lines": ["Written to batch: 1 labelled pictures"]})
    assert page.finished == [True]
