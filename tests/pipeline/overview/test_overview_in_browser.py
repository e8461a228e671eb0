"""The page in Chromium, with models that need no TensorFlow."""

from pathlib import Path
from typing import Any

import app_in_thread
import numpy as np
import pytest
from app_in_thread import FirstBytesModel, run_app
from browser import check_accessible, open_browser, show
from overview_site import RUN_2, make_site
from tiny_pictures import solid

#: What the newer of two versions predicts.
PREDICTED_BY_2 = [
    "Version 2, serving",
    "dog",
    "confidence 0.800",
    "accepted novelty 0.250 (0.5 is usual)",
    "dog",
    "0.800",
    "cat",
    "0.100",
    "<b>owl",
    "0.100",
]
PREDICTED_BY_1 = ["Version 1", "cat", "confidence 0.700", "Novelty not known."]

#: Key codes of Ctrl, and of V.
CONTROL, KEY_V = 2, 86


class ConstantModel(FirstBytesModel):
    """A model that predicts the same for every picture; its second version knows one class more."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.labels = ["cat", "dog"] if number == 1 else ["cat", "dog", "<b>owl"]

    def call(self, signature: str, instances: list[bytes]) -> dict[str, np.ndarray]:
        """See `ServedModel`."""
        row = [0.7, 0.3] if self.number == 1 else [0.1, 0.8, 0.1]
        label = self.labels[int(np.argmax(row))].encode()
        outputs = {
            "label": np.array([label] * len(instances), object),
            "confidence": np.full(len(instances), max(row), np.float32),
            "probabilities": np.tile(np.array(row, np.float32), (len(instances), 1)),
        }
        if self.number == 2:
            outputs["novelty"] = np.full(len(instances), 0.25, np.float32)
            outputs["accepted"] = np.full(len(instances), True)
        return outputs


def drop(browser: Any, picture: Path) -> None:
    """Drag a file from outside over the box, and drop it there."""
    wait = pytest.importorskip("selenium.webdriver.support.wait", reason="needs selenium")
    data = {"items": [], "files": [str(picture)], "dragOperationsMask": 1}
    box = browser.find_element("id", "drop")
    centre = """
      arguments[0].scrollIntoView({ block: "center" });
      const { x, y, width, height } = arguments[0].getBoundingClientRect();
      return { x: x + width / 2, y: y + height / 2 };
    """

    def drag(kind: str) -> None:
        point = browser.execute_script(centre, box)  # what the page loads moves the box
        browser.execute_cdp_cmd("Input.dispatchDragEvent", {"type": kind, "data": data} | point)

    def is_over(_: Any) -> bool:
        drag("dragOver")
        return "over" in box.get_attribute("class").split()

    drag("dragEnter")
    # The browser drops nothing before the page has said that it takes it.
    wait.WebDriverWait(browser, 30, 0.1).until(is_over)
    drag("dragOver")
    drag("drop")


def paste(browser: Any, picture: Path) -> None:
    """Put the picture into the clipboard, and press Ctrl+V."""
    permissions = ["clipboardReadWrite", "clipboardSanitizedWrite"]
    browser.execute_cdp_cmd("Browser.grantPermissions", {"permissions": permissions})
    script = """
      const [bytes, done] = arguments;
      const blob = new Blob([new Uint8Array(bytes)], { type: "image/png" });
      navigator.clipboard.write([new ClipboardItem({ "image/png": blob })])
        .then(() => done(""), (error) => done(String(error)));
    """
    assert browser.execute_async_script(script, list(picture.read_bytes())) == ""
    key = {"key": "v", "code": "KeyV", "windowsVirtualKeyCode": KEY_V, "modifiers": CONTROL}
    command = {"type": "keyDown", "commands": ["paste"]}
    browser.execute_cdp_cmd("Input.dispatchKeyEvent", command | key)
    browser.execute_cdp_cmd("Input.dispatchKeyEvent", {"type": "keyUp"} | key)


def choose(browser: Any, picture: Path) -> None:
    """Choose the picture with the file picker."""
    browser.find_element("id", "file").send_keys(str(picture))


@pytest.fixture(name="site")
def _site(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Folder of a workspace, served with models that predict the same for every picture."""
    monkeypatch.setattr(app_in_thread, "FirstBytesModel", ConstantModel)
    make_site(tmp_path / "site")
    return tmp_path / "site"


def test_a_picture_that_is_dropped_pasted_or_chosen_is_classified_by_both_versions(site, tmp_path):
    wait = pytest.importorskip("selenium.webdriver.support.wait", reason="needs selenium")
    picture = tmp_path / "picture.png"
    picture.write_bytes(solid("red"))
    with run_app(workspace=site) as app, open_browser() as browser:
        app.versions.update()
        for give in (drop, paste, choose):
            show(browser, f"{app.client.address}/", 390, dark=give is drop)
            give(browser, picture)
            predictions = browser.find_element("id", "predictions")
            wait.WebDriverWait(browser, 30).until(lambda _, element=predictions: element.text)
            lines = predictions.text.splitlines()
            assert lines[: len(PREDICTED_BY_2)] == PREDICTED_BY_2
            assert lines[len(PREDICTED_BY_2) :][: len(PREDICTED_BY_1)] == PREDICTED_BY_1
            assert lines[-1] == "Another class."
            check_accessible(browser)
        assert browser.get_log("browser") == []


def test_the_page_tells_what_serves_how_good_it_is_and_what_became_of_batches(site):
    wait = pytest.importorskip("selenium.webdriver.support.wait", reason="needs selenium")
    with run_app(workspace=site) as app, open_browser() as browser:
        app.versions.update()
        for width, is_dark in ((1280, False), (1280, True), (390, False), (390, True)):
            show(browser, f"{app.client.address}/", width, is_dark)
            batches = browser.find_element("id", "batches")
            wait.WebDriverWait(browser, 30).until(lambda _, element=batches: element.text)
            check_accessible(browser)
            box, below = (browser.find_element("id", one).rect for one in ("try", "deliveries"))
            assert box["x"] == below["x"]
            # The batches fill the second column; in one column, what arrives is between them.
            assert (below["y"] - box["y"] - box["height"] < 30) == (width == 1280)
        tiles = browser.find_element("id", "tiles").text.splitlines()
        assert tiles[:2] == ["Serving", "Version 2"]
        assert tiles[2].startswith("since 2 Jan 2024")
        assert tiles[3:6] == [
            *("Lowest accuracy", "0.600"),
            "in <b>night, a new domain, +0.200 against version 1",
        ]
        assert tiles[6:8] == ["Newest batch", "rejected"]
        rows = browser.find_elements("css selector", "#domains tbody tr")
        cells = [
            [cell.text for cell in row.find_elements("css selector", "th, td")] for row in rows
        ]
        tested = "1,200 test pictures"
        assert cells == [
            [f"<b>night\n{tested}", "0.600\n0.500 to 0.700", "new +0.200\n+0.100 to +0.300"],
            [
                f"fog\n{tested}",
                "0.650\n0.550 to 0.750",
                "\N{MINUS SIGN}0.050\n\N{MINUS SIGN}0.150 to +0.050",
            ],
            [f"day\n{tested}", "0.900\n0.880 to 0.920", "+0.100\n+0.080 to +0.120"],
            ["snow\n45 pictures cross-fitted", "0.950", "new"],
        ]
        note = browser.find_element("id", "accuracy-note").text
        assert note.startswith("On the test split; cross-fitted in snow, where models predict ")
        coloured = browser.find_elements("css selector", "#domains .good, #domains .bad")
        assert [one.text for one in coloured] == ["+0.200", "+0.100"]
        items = [one.text.splitlines() for one in batches.find_elements("tag name", "li")]
        assert [item[:2] for item in items] == [
            ["rejected", "wednesday"],
            ["pushed as version 2", "<i>tuesday"],
            ["good enough", "monday"],
        ]
        assert items[0][3] == "domain 'day' lost 0.2"
        browser.find_element("link text", f"Report of its run {RUN_2}").click()
        assert browser.find_element("tag name", "p").text == RUN_2
        assert browser.get_log("browser") == []


def test_a_damaged_summary_is_a_sentence_on_the_page(site):
    (site / "runs" / RUN_2 / "summary.json").write_bytes(b"{")
    assert "summary.json is damaged" in notices_of(site)


def test_a_server_that_others_reach_says_why_it_shows_no_more(site):
    assert notices_of(site, is_shown=False).startswith("What is in the workspace is shown only")


def test_a_bare_serving_directory_is_told_about_and_what_is_missing_is_said(site):
    for path in ("runs", "ledger.sqlite"):
        (site / path).rename(site.parent / path)
    assert notices_of(site).startswith("There is no workspace around this serving directory")


def notices_of(site: Path, **options: Any) -> str:
    """Return the notices of the page, which is accessible with them."""
    wait = pytest.importorskip("selenium.webdriver.support.wait", reason="needs selenium")
    with run_app(workspace=site, **options) as app, open_browser() as browser:
        app.versions.update()
        show(browser, f"{app.client.address}/", 390)
        notices = browser.find_element("id", "notices")
        wait.WebDriverWait(browser, 30).until(lambda _: notices.text)
        check_accessible(browser)
        return notices.text
