"""What the page shows of `carryover monitor`, in Chromium."""

import time
from pathlib import Path
from typing import Any

import pytest
from app_in_thread import run_app
from browser import check_accessible, open_browser, show
from overview_site import make_site

from pipeline.overview.overview_routes import KEPT_SECONDS
from pipeline.overview.server_facts import MonitorReading

#: Why an alarm ended.
SETTLED = {"batch": "labels", "time": "", "reason": "accuracy 0.95"}


def report(batch: Path = Path("no-batch"), **changes: Any) -> dict[str, Any]:
    """A report with an alarm that was delivered, one that was not, and a usual domain."""
    alarm = {
        "since": "2026-11-27T18:04:00+00:00",
        "pictures": 250,
        "share": 0.92,
        "known_share": 0.18,
        "nearest_domain": "<i>openmoji",
        "distance": 0.62,
        "look": ["colourless", "bright"],
    }
    tablet = {"domain": "<b>tablet", "alarm": alarm}
    tablet |= {"estimated_accuracy": 0.52, "usual_accuracy": 0.85}
    tablet |= {"delivered": str(batch), "estimate_note": "no estimate, as the version is <new"}
    tablet |= {"delivered_at": "2026-11-27T19:00:00+00:00"}
    unnamed = {"domain": "", "alarm": alarm | {"look": [], "nearest_domain": None}}
    usual = {"domain": "gate", "alarm": None}
    told = {"version": 2, "time": "2026-11-27T19:00:00+00:00", "faults": []}
    return told | {"domains": [tablet, unnamed, usual]} | changes


def open_page(browser: Any, app: Any, width: int = 1280, dark: bool = False) -> Any:
    """Open the page, and return the part about alarms once the page is filled."""
    wait = pytest.importorskip("selenium.webdriver.support.wait", reason="needs selenium")
    show(browser, f"{app.client.address}/", width, dark)
    wait.WebDriverWait(browser, 30).until(lambda _: browser.find_element("id", "read").text)
    return browser.find_element("id", "alarms")


def test_an_alarm_is_shown_with_its_batch_and_the_commands_that_come_next(tmp_path):
    make_site(tmp_path)
    batch = tmp_path / "my-inbox" / "traffic-2-20261127-180421-5d0c91e7"
    batch.mkdir(parents=True)
    monitor = MonitorReading(report(batch, faults=["--deliver in: No space left."]))
    with run_app(workspace=tmp_path, monitor=monitor) as app, open_browser() as browser:
        app.versions.update()
        for width, is_dark in ((1280, False), (1280, True), (390, True), (390, False)):
            part = open_page(browser, app, width, is_dark)
            assert part.is_displayed()
            check_accessible(browser)
        first, second = part.find_elements("css selector", "article")
        assert first.text.startswith("Domain <b>tablet\nSince 27 Nov 2026")
        assert "92 % of 250 pictures, taken together, are unlike every known domain" in first.text
        assert "The nearest known domain is <i>openmoji (0.62)." in first.text
        assert "they are colourless, bright." in first.text
        assert "Estimated accuracy 0.52, usually 0.85." in first.text
        assert "estimated from the confidences: no estimate, as the version is <new." in first.text
        assert f"to {batch}\n" in first.text
        codes = [one.text for one in first.find_elements("css selector", ".command")]
        assert [one.split()[1] for one in codes] == ["label", "retrain"]
        assert second.text.startswith("Clients that name no domain")
        assert "not delivered" in second.text
        [command] = second.find_elements("css selector", ".command")
        assert command.text == f"carryover monitor --workspace {tmp_path} --deliver my-inbox"
        assert "could not deliver unusual pictures: --deliver in: No space left." in (
            browser.find_element("id", "notices").text
        )
        batch.rename(tmp_path / "elsewhere")
        time.sleep(KEPT_SECONDS)  # until then the server shows what it has read before
        first = open_page(browser, app).find_element("css selector", "article")
        assert first.text.endswith(f"to {batch}. It is no longer there.")
        check_accessible(browser)
        assert browser.get_log("browser") == []


@pytest.mark.parametrize(
    ("monitor", "note"),
    [
        (MonitorReading(), "carryover monitor has not looked at this traffic yet."),
        (MonitorReading(report(domains=[])), "carryover monitor found nothing unusual 27 Nov"),
        (
            MonitorReading(report(domains=[{"domain": "<i>tablet", "settled_alarm": SETTLED}])),
            "The alarm of domain <i>tablet was settled an unknown time by labels, good enough: acc",
        ),
        (MonitorReading(report(version=1)), "has not looked at the traffic of version 2 yet."),
    ],
)
def test_without_an_alarm_the_page_says_when_the_monitor_has_looked(tmp_path, monitor, note):
    make_site(tmp_path)
    (tmp_path / "traffic").mkdir()
    with run_app(workspace=tmp_path, monitor=monitor) as app, open_browser() as browser:
        app.versions.update()
        part = open_page(browser, app)
        assert not part.is_displayed()
        assert note in browser.find_element("id", "monitor-note").get_property("textContent")
        check_accessible(browser)


def test_nothing_of_an_alarm_is_sent_where_the_workspace_is_hidden(tmp_path):
    make_site(tmp_path)
    monitor = MonitorReading(report())
    with run_app(workspace=tmp_path, is_shown=False, monitor=monitor) as app:
        app.versions.update()
        for path in ("/overview", "/"):
            assert b"tablet" not in app.client.get(path)[1]
    with run_app(workspace=tmp_path, monitor=monitor) as app:
        app.versions.update()
        assert b"tablet" in app.client.get("/overview")[1]
