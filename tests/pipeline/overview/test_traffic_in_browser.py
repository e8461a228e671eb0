"""What arrives, on the page in Chromium."""

import time

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
    make_site(tmp_path)
    now = time.time()
    days = [record(now - 3600 * hour, solid("red"), "<b>door") for hour in range(1, 90)]
    new = [record(now - 60, solid((n, 0, 0)), "", novelty=0.96, label="<i>cat") for n in range(3)]
    with TrafficWriter(traffic_folder(tmp_path), 10**8) as writer:
        writer.write([*days, *new])
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
