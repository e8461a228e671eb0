"""The pages in a real browser."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import open_browser, show
from tiny_report import DOMAINS, SCRIPT, write_tiny_report

from pipeline.report.history_page import write_history_page
from pipeline.retraining.ledger import read_batches
from pipeline.workspace import Workspace

pytestmark = pytest.mark.component

#: Screens: width in pixels, and whether the colour scheme is dark.
SCREENS = [(1280, False), (390, True)]

VISIBLE = "return [...document.querySelectorAll('#gallery li')].filter(one => !one.hidden)"


@pytest.fixture(name="browser", scope="module")
def _browser() -> Iterator[Any]:
    with open_browser() as browser:
        yield browser


@pytest.fixture(name="address", scope="module")
def _address(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_tiny_report(tmp_path_factory.mktemp("run")).as_uri()


@pytest.fixture(name="history", scope="module")
def _history(tmp_path_factory: pytest.TempPathFactory) -> str:
    root = tmp_path_factory.mktemp("workspace")
    for run_id in ("20240101-000000", "20240102-000000"):
        write_tiny_report(root / "runs" / run_id, run_id=run_id)
    return write_history_page(Workspace(root), read_batches(root)).as_uri()


def choose(browser: Any, name: str, value: str) -> None:
    """Choose an option in one of the lists above the gallery."""
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.select import Select

    Select(browser.find_element(By.NAME, name)).select_by_value(value)


def column(browser: Any, table: int, index: int) -> list[str]:
    """Return the texts of a column of a sortable table."""
    script = """
        const rows = document.querySelectorAll("table.sortable")[arguments[0]].tBodies[0].rows;
        return [...rows].map(row => row.cells[arguments[1]].innerText.split(/\\n| worst/)[0]);
    """
    return browser.execute_script(script, table, index)


@pytest.mark.parametrize(("width", "dark"), SCREENS)
@pytest.mark.parametrize("page", ["address", "history"])
def test_a_page_has_no_errors_fits_the_screen_and_is_accessible(
    browser, page, width, dark, request
):
    selenium = pytest.importorskip("axe_core_python.selenium", reason="needs axe-core: make venv")
    show(browser, request.getfixturevalue(page), width, dark)
    assert browser.get_log("browser") == []
    overflow = "return document.documentElement.scrollWidth - window.innerWidth"
    assert browser.execute_script(overflow) <= 0
    results = selenium.Axe().run(browser)
    assert len(results["passes"]) > 10
    assert [(one["id"], one["nodes"][0]["html"]) for one in results["violations"]] == []


def test_the_page_follows_the_colour_scheme_of_the_reader(browser, address):
    ground = "return getComputedStyle(document.body).backgroundColor"
    show(browser, address)
    assert browser.execute_script(ground) == "rgb(255, 255, 255)"
    show(browser, address, dark=True)
    assert browser.execute_script(ground) == "rgb(15, 19, 24)"


def test_every_link_of_the_navigation_leads_to_a_section_that_is_not_empty(browser, address):
    show(browser, address)
    script = """
        return [...document.querySelectorAll("nav a")].map(link =>
            document.querySelector(link.getAttribute("href")).getBoundingClientRect().height)
    """
    heights = browser.execute_script(script)
    assert len(heights) == 12
    assert min(heights) > 80


def test_the_name_of_a_class_runs_no_script(browser, address):
    from selenium.common.exceptions import NoAlertPresentException

    show(browser, address)
    assert browser.execute_script("return document.scripts.length") == 1
    with pytest.raises(NoAlertPresentException):
        browser.switch_to.alert.accept()


def test_the_gallery_can_be_filtered(browser, address):
    show(browser, address)
    assert len(browser.execute_script(VISIBLE)) == 9
    choose(browser, "domain", DOMAINS[1])
    shown = browser.execute_script(f"{VISIBLE}.map(one => one.dataset.domain)")
    assert shown == [DOMAINS[1]] * 3
    choose(browser, "label", SCRIPT)
    assert browser.execute_script(f"{VISIBLE}.map(one => one.dataset.label)") == [SCRIPT]
    count = "return document.getElementById('gallery-count').textContent"
    assert browser.execute_script(count) == "1 of 9 pictures"


def test_the_gallery_can_be_sorted(browser, address):
    show(browser, address)
    confidences = browser.execute_script(f"{VISIBLE}.map(one => Number(one.dataset.confidence))")
    assert confidences == sorted(confidences, reverse=True)
    assert confidences[0] == 0.9
    choose(browser, "sort", "predicted")
    predicted = browser.execute_script(f"{VISIBLE}.map(one => one.dataset.predicted)")
    assert predicted == ["cat"] * 3 + ["dog"] * 6


def test_a_table_is_sorted_by_its_headings_with_the_keyboard_or_the_mouse(browser, address):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    show(browser, address)
    candidate = browser.find_elements(By.CSS_SELECTOR, "#verdict th button")[2]
    candidate.send_keys(Keys.ENTER)
    assert column(browser, 0, 2) == ["0.500 0.480 to 0.520", "0.750", "0.800"]
    heading = candidate.find_element(By.XPATH, "..")
    assert heading.get_attribute("aria-sort") == "ascending"
    candidate.send_keys(Keys.SPACE)
    assert column(browser, 0, 2) == ["0.800", "0.750", "0.500 0.480 to 0.520"]
    assert heading.get_attribute("aria-sort") == "descending"
    change = browser.find_elements(By.CSS_SELECTOR, "#verdict th button")[4]
    change.click()
    assert column(browser, 0, 4) == ["\u22120.300", "+0.050", "-"]
    assert heading.get_attribute("aria-sort") == "none"


def test_the_first_key_press_offers_to_skip_to_the_content(browser, address):
    from selenium.webdriver.common.keys import Keys

    show(browser, address)
    browser.switch_to.active_element.send_keys(Keys.TAB)
    active = browser.switch_to.active_element
    assert active.text == "Skip to the content"
    assert active.location["x"] >= 0
    active.send_keys(Keys.ENTER)
    assert browser.execute_script("return document.activeElement.id") == "main"


def test_the_page_prints(browser, address, tmp_path: Path):
    show(browser, address)
    from base64 import b64decode

    pdf = b64decode(browser.print_page())
    assert pdf.startswith(b"%PDF")
    assert len(pdf) > 20_000
