"""The demo page in Chromium, with models that need no TensorFlow."""

from pathlib import Path

import app_in_thread
import numpy as np
import pytest
from app_in_thread import FirstBytesModel, run_app
from browser import open_browser, show
from tiny_pictures import solid


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


def test_the_page_compares_the_predictions_of_both_versions(monkeypatch, tmp_path):
    wait = pytest.importorskip("selenium.webdriver.support.wait", reason="needs selenium")
    monkeypatch.setattr(app_in_thread, "FirstBytesModel", ConstantModel)
    picture = Path(tmp_path, "picture.png")
    picture.write_bytes(solid("red"))
    with run_app() as app, open_browser() as browser:
        app.versions.update()
        show(browser, f"{app.client.address}/")
        browser.find_element("id", "file").send_keys(str(picture))
        prediction = browser.find_element("id", "prediction")
        wait.WebDriverWait(browser, 30).until(lambda _: prediction.text)
        assert prediction.text.splitlines() == [
            "dog",
            "Version 2, confidence 0.800. Novelty 0.250 (0.5 is usual), accepted.",
            "Version 1 predicts cat, with confidence 0.700. Novelty not known.",
            "class version 2 version 1 change",
            "dog 0.800 0.300 +0.500",
            "cat 0.100 0.700 \N{MINUS SIGN}0.600",
            "<b>owl 0.100 - new",
        ]
        assert browser.get_log("browser") == []
