"""Commands that launch a part of the pipeline, several times in one workspace."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tiny_pictures import encode, solid, write_files

from components.image_example_gen.inventory import read_inventory
from pipeline import component_ids
from pipeline.config.config_file import load_config
from pipeline.identity import code_fingerprint
from pipeline.report.lineage import read_lineage
from pipeline.running.launch_components import launch_components
from pipeline.running.partial_run import partial_run
from pipeline.running.prepare_launcher import prepare_launcher

pytestmark = pytest.mark.component

LAST = component_ids.IMAGE_EXAMPLE_GEN


class Site:
    """Pictures, a workspace, and calls of a command on them."""

    def __init__(self, folder: Path) -> None:
        self.data, self.workspace = folder / "data", folder / "workspace"
        self.output = folder / "out"

    def write(self, domain: str, count: int) -> None:
        """Write pictures of a domain that differ from each other."""
        files = {
            f"{domain}/{label}/{number}.png": solid((number, *tint))
            for label, tint in (("red", (0, 9)), ("blue", (9, 0)))
            for number in range(count)
        }
        write_files(self.data, files)

    def call(self, command: str = "inspect", **options: Any) -> tuple[bool, dict[str, int]]:
        """Read the pictures; return whether they came from the cache, and the count by domain."""
        values = {"data": self.data, "workspace": self.workspace} | options
        with partial_run(command, load_config(None, [], values), self.output) as run:
            launcher, _ = prepare_launcher(run)
            outputs = launch_components(run, launcher, LAST)
        counts: dict[str, int] = {}
        for row in read_inventory(outputs[LAST]["rejects"])["examples"]:
            counts[row["domain"]] = counts.get(row["domain"], 0) + row["count"]
        assert read_lineage(run.workspace.metadata, run.run_id)
        return LAST in run.cached, counts


@pytest.fixture(name="site")
def _site(tmp_path: Path) -> Site:
    site = Site(tmp_path)
    site.write("day", 4)
    return site


def test_a_second_call_sees_the_pictures_of_now(site):
    assert site.call() == (False, {"day": 8})
    site.write("night", 3)
    assert site.call() == (False, {"day": 8, "night": 6})
    (site.data / "day" / "red" / "0.png").unlink()
    assert site.call("crossval") == (False, {"day": 7, "night": 6})


def test_an_unchanged_second_call_is_answered_from_the_cache_in_both_directions(site):
    site.call()
    assert site.call() == (True, {"day": 8})
    assert site.call("crossval") == (True, {"day": 8})


def test_a_second_call_uses_the_options_and_the_libraries_of_now(site, monkeypatch):
    site.call()
    assert site.call(**{"split.eval": 0.3})[0] is False
    assert site.call(**{"split.eval": 0.3})[0] is True
    monkeypatch.setattr(code_fingerprint, "_version", lambda name: f"new {name}")
    assert site.call(**{"split.eval": 0.3})[0] is False


def test_a_list_of_rejects_of_an_earlier_call_is_removed(site):
    write_files(site.data, {"day/red/broken.png": b"no picture"})
    site.call()
    assert (site.output / "rejects.csv").exists()
    (site.data / "day" / "red" / "broken.png").unlink()
    site.call()
    assert not (site.output / "rejects.csv").exists()


def test_a_list_of_blank_pictures_of_an_earlier_call_is_removed(site):
    site.call()
    assert (site.output / "blank.csv").exists()  # pictures of one colour
    rng = np.random.default_rng(3)
    for path in site.data.rglob("*.png"):
        noise = rng.integers(0, 256, (32, 32, 3), np.uint8)
        path.write_bytes(encode(Image.fromarray(noise)))
    site.call()
    assert not (site.output / "blank.csv").exists()
