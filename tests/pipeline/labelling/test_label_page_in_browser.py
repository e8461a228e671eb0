"""The page in Chromium, with proposals that need no model."""

from typing import Any

import pytest
from browser import check_accessible, open_browser, show
from label_page import run_label_page
from tiny_pictures import solid, write_files

from pipeline.labelling.picture_list import picture_id

PATHS = [f"{domain}/_to_label/{number}.png" for domain in ("fog", "snow") for number in (1, 2)]
CLASSES = ["dog", "cat", "<i>owl"]


def press(browser: Any, *keys: str) -> None:
    """Press keys, one after the other."""
    for key in keys:
        browser.switch_to.active_element.send_keys(key)


def test_labels_are_given_with_the_keyboard_and_the_batch_is_finished(tmp_path):
    wait = pytest.importorskip("selenium.webdriver.support.wait", reason="needs selenium")
    from selenium.webdriver.common.keys import Keys

    folder = tmp_path / "pictures"
    write_files(folder, {path: solid((index, 0, 0)) for index, path in enumerate(PATHS)})
    proposed = {PATHS[0]: ("cat", 0.9), PATHS[3]: ("dog", 0.8)}
    with run_label_page(folder, CLASSES, proposed) as page, open_browser() as browser:

        def wait_for(name: str, text: str) -> None:
            element = browser.find_element("id", name)
            wait.WebDriverWait(browser, 20, 0.02).until(lambda _: text in element.text)

        show(browser, page.address, 390, dark=True)
        wait_for("proposal", "cat")
        check_accessible(browser)
        assert browser.find_element("id", "confidence").text == "confidence 0.90"
        show(browser, page.address, 900)
        button, panel = (browser.find_element("id", name).rect for name in ("next", "panel"))
        assert button["x"] + button["width"] <= panel["x"]
        show(browser, page.address)
        wait_for("proposal", "cat")
        press(browser, Keys.ENTER)
        wait_for("message", "cat. 1 of 4 labelled.")
        wait_for("name", "fog / 2.png")
        press(browser, "3", "s", "x")
        wait_for("message", "unusable. 2 of 4 labelled. Press Finish to write the batch.")
        press(browser, "u")
        wait_for("message", "Undone. 2 of 4 labelled.")
        wait_for("name", "snow / 2.png")
        press(browser, "/", *"wolf", Keys.ENTER, Keys.ENTER)
        wait_for("message", "wolf. 3 of 4 labelled.")
        check_accessible(browser)
        decisions = [page.session.decision(picture_id(path)) for path in PATHS]
        assert [one and (one.kind, one.label) for one in decisions] == [
            ("labelled", "cat"),
            ("labelled", "<i>owl"),
            ("skipped", ""),
            ("labelled", "wolf"),
        ]
        browser.find_element("id", "finish").click()
        check_accessible(browser)
        wait_for("summary", "3\nlabelled\n1\nskipped: in the batch without a label")
        wait_for("missing", "No label yet: dog")
        browser.find_element("id", "write").click()
        wait_for("lines", "Written to batch")
        check_accessible(browser)
        assert page.finished == [True]
        assert browser.get_log("browser") == []


def test_a_phone_shows_three_rows_of_classes_above_the_buttons(tmp_path):
    wait = pytest.importorskip("selenium.webdriver.support.wait", reason="needs selenium")
    folder = write_files(tmp_path / "pictures", {PATHS[0]: solid("red")})
    classes = [f"class {number}" for number in range(6)]
    proposed = {PATHS[0]: (classes[0], 0.9)}
    with run_label_page(folder, classes, proposed) as page, open_browser() as browser:
        show(browser, page.address, 390)
        size = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        proposal = browser.find_element("id", "proposal")
        wait.WebDriverWait(browser, 20, 0.02).until(lambda _: classes[0] in proposal.text)
        edge = "return document.querySelector(arguments[0]).getBoundingClientRect()[arguments[1]]"
        last = browser.execute_script(edge, "#classes button:last-child", "bottom")
        assert last < browser.execute_script(edge, ".actions", "top")


def test_the_chosen_pictures_are_counted_and_come_first(tmp_path):
    wait = pytest.importorskip("selenium.webdriver.support.wait", reason="needs selenium")
    from selenium.webdriver.common.keys import Keys

    folder = tmp_path / "pictures"
    paths = ["fog/_unlabelled/1.png", "fog/_to_label/2.png", "snow/_to_label/3.png"]
    write_files(folder, {path: solid((index, 0, 0)) for index, path in enumerate(paths)})
    with run_label_page(folder, CLASSES) as page, open_browser() as browser:

        def wait_for(name: str, text: str) -> None:
            element = browser.find_element("id", name)
            wait.WebDriverWait(browser, 20, 0.02).until(lambda _: text in element.text)

        show(browser, page.address)
        wait_for("counts", "0 of 2 chosen (3 in all)")
        wait_for("name", "fog / 2.png")
        press(browser, "1")
        wait_for("message", "dog. 1 of 2 chosen (3 in all).")
        wait_for("name", "snow / 3.png")
        press(browser, "1")
        wait_for("message", "All chosen pictures have a label: Finish.")
        wait_for("name", "fog / 1.png")
        press(browser, "2")
        wait_for("message", "2 of 2 chosen (3 in all), 1 other. Press Finish to write the batch.")
        browser.find_element("id", "show").send_keys("chosen", Keys.ENTER)
        wait_for("name", "snow / 3.png")
        press(browser, Keys.ARROW_LEFT)
        wait_for("name", "fog / 2.png")
        assert not browser.find_element("id", "previous").is_enabled()
        check_accessible(browser)
        assert browser.get_log("browser") == []
