"""`carryover inspect` on pictures with known problems."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from strange_names import LITERAL, PATTERNS

from pipeline.config.config_file import load_config
from pipeline.config.run_config import RunConfig
from pipeline.inspecting import inspection
from pipeline.inspecting.inspection import inspect_data

pytestmark = pytest.mark.component

COLOURS = {"red": (200, 40, 40), "green": (40, 200, 40)}


def draw(folder: Path, count: int, factor: float = 1.0) -> None:
    """Noisy pictures of two classes; every call draws the same ones."""
    rng = np.random.default_rng(5)
    for label, colour in COLOURS.items():
        (folder / label).mkdir(parents=True)
        for number in range(count):
            noise = rng.normal(0, 30, (12, 12, 3))
            pixels = np.clip((np.array(colour) + noise + rng.normal(0, 20)) * factor, 0, 255)
            Image.fromarray(pixels.astype(np.uint8)).save(folder / label / f"{number:03d}.png")


@pytest.fixture(name="data", scope="module")
def _data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two domains that look alike, and a darkened copy of one of them."""
    data = tmp_path_factory.mktemp("data")
    draw(data / "day", 100)
    draw(data / "noon", 100, 0.98)
    draw(data / "night", 100, 0.3)
    (data / "day" / "red" / "broken.png").write_bytes(b"no picture")
    return data


@pytest.fixture(name="output", scope="module")
def _output(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("inspection")
    assert inspect_data(load_config(None, [], {"data": data}), output)
    return output


def texts(output: Path, kind: str) -> list[str]:
    findings = json.loads((output / "findings.json").read_text())
    return [finding["text"] for finding in findings if finding["kind"] == kind]


def test_a_darkened_domain_is_reported_as_drift_with_its_brightness(output):
    [text] = [text for text in texts(output, "shift") if "'night'" in text]
    assert text.startswith("Domain 'night' differs from the other domains: ")
    found = re.search(r"median brightness (\d+), others (\d+)", text)
    assert found
    night, others = map(int, found.groups())
    assert 0.2 < night / others < 0.4


def test_unusable_files_are_listed(output):
    [_, row] = (output / "rejects.csv").read_text().splitlines()
    assert row == "day/red/broken.png,day,red,not a picture in a known format,10"


def test_the_pictures_of_every_class_are_listed_by_domain_and_split(output):
    header, *lines = (output / "classes.csv").read_text().splitlines()
    assert header == "domain,class,pictures,train,eval,test"
    rows = [line.split(",") for line in lines]
    assert [row[:3] for row in rows] == [
        [domain, label, "100"] for domain in ("day", "night", "noon") for label in ("green", "red")
    ]
    assert all(sum(map(int, row[3:])) == 100 for row in rows)


def test_class_folders_are_inspected_in_the_domain_that_the_config_names(tmp_path, capfd):
    draw(tmp_path / "data", 40)
    config = load_config(None, [], {"data": tmp_path / "data", "domain": "factory"})
    assert inspect_data(config, tmp_path / "inspection")
    output = capfd.readouterr().out
    assert "The layout is <class>/<picture>, all in domain 'factory'." in output
    assert f"pictures per class: {tmp_path / 'inspection' / 'classes.csv'}" in output
    rows = (tmp_path / "inspection" / "classes.csv").read_text().splitlines()[1:]
    assert [row.split(",")[:3] for row in rows] == [
        ["factory", "green", "40"],
        ["factory", "red", "40"],
    ]


def test_the_contact_sheet_shows_every_domain_and_class(output):
    with Image.open(output / "contact-sheet.png") as sheet:
        colours = {colour for _, colour in sheet.convert("RGB").getcolors(1 << 24)}
    assert any(red > 150 and green < 90 for red, green, _ in colours)
    assert any(green > 150 and red < 90 for red, green, _ in colours)
    assert any(30 < red < 90 and green < 30 for red, green, _ in colours)  # red at night


def test_the_result_is_false_where_a_run_would_stop(tmp_path):
    draw(tmp_path / "data" / "day", 20)
    for number in range(10):
        (tmp_path / "data" / "day" / "red" / f"empty {number}.png").write_bytes(b"")
    config = load_config(None, [], {"data": tmp_path / "data"})
    assert not inspect_data(config, tmp_path / "inspection")
    assert texts(tmp_path / "inspection", "rejects")


def test_data_a_workspace_and_an_output_with_strange_names(tmp_path):
    names = "".join(name for name in LITERAL if len(name) < 255)
    data, workspace, output = (tmp_path / part / names for part in ("in", "work", "out"))
    for domain in ("day [1]", "%s*?"):
        draw(data / "".join(PATTERNS) / domain, 14)
    (data / "".join(PATTERNS) / "day [1]" / "red" / "broken [*].png").write_bytes(b"no picture")
    values = {"data": str(data / "".join(PATTERNS)), "workspace": workspace}
    assert inspect_data(load_config(None, ["image_size=64"], values), output)
    assert "day [1]/red/broken [*].png" in (output / "rejects.csv").read_text()
    counts = (output / "classes.csv").read_text()
    assert "day [1]" in counts
    assert "%s*?" in counts


@pytest.mark.parametrize(
    ("models", "overrides", "name"),
    [
        (["emoji"], [], "emoji"),
        (["emoji"], ["name=pets"], "pets"),
        (["emoji", "pets"], [], "carryover"),
        ([], [], "carryover"),
    ],
)
def test_data_are_compared_with_the_only_model_of_the_workspace(
    tmp_path, monkeypatch, models, overrides, name
):
    inspected = []

    def partial_run(command: str, config: RunConfig, output: Path) -> None:
        inspected.append(config.name)
        raise KeyboardInterrupt

    monkeypatch.setattr(inspection, "partial_run", partial_run)
    for model in models:
        (tmp_path / "serving" / model).mkdir(parents=True)
    config = load_config(None, overrides, {"data": tmp_path, "workspace": tmp_path})
    with pytest.raises(KeyboardInterrupt):
        inspect_data(config, tmp_path / "inspection")
    assert inspected == [name]
