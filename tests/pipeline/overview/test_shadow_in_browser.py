"""What the page shows of a version in shadow, in Chromium."""

from typing import Any

import pytest
from app_in_thread import run_app
from browser import check_accessible, open_browser, show
from overview_site import make_site

from pipeline.serving.shadow.shadow_options import ShadowOptions
from pipeline.serving.shadow.shadow_record import ShadowRecord
from pipeline.serving.shadow.shadow_report import describe_shadow


def shadow_with(outcome: Any = "", reason: str = "") -> dict[str, Any] | None:
    """A shadow that has seen three pictures."""
    record = ShadowRecord(2, "", 1, "2024-01-02T08:00:00+00:00", outcome, reason=reason, dropped=5)
    record.add("<b>night", "cat", "<i>dog", is_confident=True)
    record.add("", "cat", "cat", is_confident=True)
    record.add("", "owl", "owl", is_confident=False)
    return describe_shadow(record, ShadowOptions(True, 500, 0.1))


def test_the_disagreement_of_a_version_in_shadow_is_shown_per_class_and_domain(tmp_path):
    wait = pytest.importorskip("selenium.webdriver.support.wait", reason="needs selenium")
    make_site(tmp_path)
    shadow = shadow_with("over_limit", "it contradicts too many confident predictions")
    with run_app(workspace=tmp_path, shadow=shadow) as app, open_browser() as browser:
        app.versions.update()
        for width, is_dark in ((1280, False), (390, True)):
            show(browser, f"{app.client.address}/", width, is_dark)
            card = browser.find_element("id", "shadow")
            wait.WebDriverWait(browser, 30).until(lambda _, card=card: card.is_displayed())
            check_accessible(browser)
        text = card.text
        assert "Version 2 beside version 1 stays in shadow" in text
        assert "3 of 500 pictures since" in text
        assert "contradicts 1 (50.0 %) of the 2 confident predictions of version 1" in text
        assert "5 pictures dropped" in text
        assert "Outcome: it contradicts too many confident predictions." in text
        rows = browser.find_elements("css selector", "#shadow tbody tr")
        cells = [
            [cell.text for cell in row.find_elements("css selector", "th, td")] for row in rows
        ]
        assert cells == [
            ["cat\nmost often <i>dog", "2", "1 (50.0 %)", "1 (50.0 %)"],
            ["owl", "1", "0 (0.0 %)", "-"],
            ["<b>night\nmost often <i>dog", "1", "1 (100.0 %)", "1 (100.0 %)"],
            ["not known", "2", "0 (0.0 %)", "0 (0.0 %)"],
        ]
        assert browser.get_log("browser") == []


def test_the_page_says_that_the_serving_version_was_in_shadow(tmp_path):
    wait = pytest.importorskip("selenium.webdriver.support.wait", reason="needs selenium")
    make_site(tmp_path)
    shadow = shadow_with("promoted", "it serves now")
    with run_app(workspace=tmp_path, shadow=shadow) as app, open_browser() as browser:
        app.versions.update()
        show(browser, f"{app.client.address}/")
        wait.WebDriverWait(browser, 30).until(lambda _: browser.find_element("id", "read").text)
        assert "after its time in shadow" in browser.find_element("id", "serving").text


def test_nothing_of_a_shadow_is_sent_where_the_workspace_is_hidden(tmp_path):
    make_site(tmp_path)
    with run_app(workspace=tmp_path, is_shown=False, shadow=shadow_with()) as app:
        status, body = app.client.get("/overview")
    assert status == 403
    assert b"night" not in body
