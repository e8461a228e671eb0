"""The image's file system, built step by step, and a step of a run in it. It has its own command:
`make image-test`.
"""

import shlex
from pathlib import Path

import image_root
import pytest
from command import DEFAULT_BACKBONE
from dockerfile import values
from image_root import ImageBuild, Stage
from kubeflow_harness import Harness
from lock_file import read_lock
from packaging.utils import canonicalize_name
from repository import ROOT
from test_kubeflow import compile_for

pytestmark = [
    pytest.mark.image,
    pytest.mark.skipif(bool(image_root.missing()), reason=str(image_root.missing())),
]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return ImageBuild(tmp_path_factory.mktemp("image")).build()


def test_its_user_is_not_root_and_finds_the_command(image):
    done = image.run(["/bin/sh", "-c", "id --user; carryover --help"])
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("1000\n")
    assert "compile" in done.stdout


def test_its_health_check_passes(image):
    [check] = values("HEALTHCHECK")
    command = check.partition("CMD ")[2].strip("[]").replace(",", " ")
    done = image.run(shlex.split(command))
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_holds_what_the_production_lock_has_and_no_development_tool(image):
    code = "from importlib.metadata import distributions as d; print(*{x.name for x in d()})"
    done = image.run(["/opt/carryover/bin/python", "-c", code])
    assert done.returncode == 0, done.stderr
    installed = {canonicalize_name(name) for name in done.stdout.split()}
    development = {one.name for one in read_lock(ROOT / "requirements" / "tfx-1.21-dev.txt")}
    production = {one.name for one in read_lock(ROOT / "requirements" / "tfx-1.21.txt")}
    assert installed & (development - production) == set()
    assert installed - production == {"carryover", "pip"}


def test_a_step_of_a_compiled_run_works_in_it(image, data, tmp_path):
    options = ["--workspace", str(tmp_path / "workspace")]
    for key, value in DEFAULT_BACKBONE.items():
        options += ["--set", f"{key}={value}"]
    compile_for(tmp_path, tmp_path / "pipeline.yaml", *options)

    def start(command, work, environment):
        for folder in (tmp_path, data):
            open_to_all(folder)
        return image.run(command, (tmp_path, data), str(work), **environment)

    harness = Harness(tmp_path / "pipeline.yaml", tmp_path / "run", start, data=str(data))
    harness.run(last="ImageExampleGen")
    [rejects] = harness.artifact("ImageExampleGen", "rejects").glob("*.jsonl")
    assert "broken.jpg" in rejects.read_text()
    examples = harness.artifact("ImageExampleGen", "examples")
    assert all(any((examples / f"Split-{split}").iterdir()) for split in ("train", "eval", "test"))


def open_to_all(folder: Path) -> None:
    """The image's user is another than this one."""
    for path in (folder, *folder.parents[:2], *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o777)
