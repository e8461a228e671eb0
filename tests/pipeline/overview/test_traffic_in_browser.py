"""What arrives, on the page in Chromium."""

import json
import time
from datetime import datetime, timezone

import pytest
from app_in_thread import run_app
from browser import check_accessible, open_browser, show
from overview_site import make_site
from tiny_pictures import solid
from tiny_traffic import record

from pipeline.traffic.traffic_store import TrafficWriter, traffic_folder

pytestmark = pytest.mark.component


def test_volume_novelty_and_the_most_unusual_pictures_are_shown(tmp_path):
    wait = pytest.importorskip("selenium.webdriver.support.wait", reason="needs selenium")
    push = make_site(tmp_path).path(2) / "assets.extra" / "push.json"
    now = time.time()
    pushed_at = datetime.fromtimestamp(now - 3600 * 30, timezone.utc).isoformat()
    push.write_text(json.dumps(json.loads(push.read_text()) | {"pushed_at": pushed_at}))
    days = [record(now - 3600 * hour, solid("red"), "<b>door", version=2) for hour in range(1, 90)]
    shown = {"novelty": 0.96, "label": "<i>cat", "version": 2}
    new = [record(now - 60, solid((n, 0, 0)), "", **shown) for n in range(3)]
    earlier = record(now - 30, solid("blue"), "yard", novelty=0.99, version=1)
    with TrafficWriter(traffic_folder(tmp_path), 10**8) as writer:
        writer.write([*days, *new, earlier])
    with run_app(workspace=tmp_path) as app, open_browser() as browser:
        app.versions.update()
        for width, is_dark in ((1280, False), (390, True)):
            show(browser, f"{app.client.address}/", width, is_dark)
            plots = browser.find_element("id", "plots")
            wait.WebDriverWait(browser, 60).until(lambda _, element=plots: element.text)
            check_accessible(browser)
        rows = [row.text for row in plots.find_elements("css selector", "tbody tr")]
        assert rows == ["<b>door 89 0.500 100.0 %", "domain not named 3 0.960 100.0 %"]
        bars = plots.find_elements("css selector", ".bar")
        assert sum(float(bar.get_attribute("height")) > 0 for bar in bars) >= 23
        lines = plots.find_elements("css selector", "figure .line")
        dashes = [line.get_attribute("stroke-dasharray") for line in lines]
        assert dashes[0] != dashes[1]
        marks = plots.find_elements("xpath", ".//*[text()='version 2 serves']")
        assert len(marks) == len(plots.find_elements("css selector", ".change")) == 2
        note = browser.find_element("id", "traffic-note").text
        assert note.startswith("92 pictures of version 2 that the server kept within a week. 1 pic")
        pictures = browser.find_elements("css selector", ".gallery li")
        assert [one.text.splitlines()[:3] for one in pictures] == [
            ["<i>cat", "novelty 0.960", "accepted"]
        ] * 3
        loaded = (
            "return [...document.querySelectorAll('.gallery img')].map((one) => one.naturalWidth)"
        )
        assert browser.execute_script(loaded) == [160, 160, 160]
        kept = browser.find_element("id", "arrived").text.splitlines()
        assert kept[:2] == ["Kept in 24 hours", "26"]
        assert browser.get_log("browser") == []


def test_a_phone_shows_the_times_of_two_minutes_apart_and_whole_words_in_headings(tmp_path):
    wait = pytest.importorskip("selenium.webdriver.support.wait", reason="needs selenium")
    make_site(tmp_path)
    now = time.time()
    with TrafficWriter(traffic_folder(tmp_path), 10**8) as writer:
        writer.write([record(now - age, solid("red"), "door", version=2) for age in (5, 65)])
    with run_app(workspace=tmp_path) as app, open_browser() as browser:
        app.versions.update()
        show(browser, f"{app.client.address}/", 390)
        plots = browser.find_element("id", "plots")
        wait.WebDriverWait(browser, 60).until(lambda _: plots.text)
        times = [
            (text.rect["x"], text.rect["x"] + text.rect["width"])
            for text in plots.find_elements("css selector", "figure:first-child text")
            if ":" in text.text
        ]
        assert len(times) == 2
        assert times[0][1] < times[1][0]
        pictures = plots.find_element("xpath", ".//th[text()='Pictures']")
        lines = "const range = document.createRange(); range.selectNodeContents(arguments[0]);"
        lines += "return range.getClientRects().length"
        assert browser.execute_script(lines, pictures) == 1
