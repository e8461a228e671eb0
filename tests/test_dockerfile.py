"""What can be known of the image without building it."""

import subprocess

import pytest
from dockerfile import ROOT, copied, instructions, is_let_through, values

from pipeline.doctor import STACKS


def test_everything_that_is_copied_is_there_and_is_let_through():
    assert copied()
    for source in copied():
        assert (ROOT / source).exists()
        assert is_let_through(source), source


def test_it_is_installed_from_the_production_lock_of_its_python():
    [version] = {rest.split(":")[1].split("-")[0] for rest in values("FROM")}
    assert version in STACKS["1.21"]
    installs = [rest for rest in values("RUN") if "requirements/" in rest]
    assert "--require-hashes -r requirements/tfx-1.21.txt" in installs[0]
    assert not [rest for rest in installs if "-dev.txt" in rest]


def test_a_releaser_can_pin_the_base_image_of_both_stages_by_digest():
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    assert [line for line in lines if line.startswith("FROM ")] == [
        "FROM $BASE AS build",
        "FROM $BASE",
    ]
    assert "ARG BASE=python:3.13-slim-trixie" in lines[: lines.index("FROM $BASE AS build")]


def test_all_of_the_package_is_in_it():
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert {"pipeline", "components", "trainer_module"} <= packages & set(copied())


def test_it_runs_as_a_user_who_is_not_root_and_says_whether_it_is_healthy():
    after = [name for name, _ in instructions()]
    assert values("USER") == ["1000"]
    assert "RUN" not in after[after.index("USER") :]
    [health] = values("HEALTHCHECK")
    assert health.endswith('CMD ["carryover", "doctor"]')


@pytest.mark.parametrize("variant", ["cpu", "gpu"])
def test_only_the_gpu_variant_installs_cuda(variant, tmp_path):
    [step] = [rest for rest in values("RUN") if "-gpu.txt" in rest]
    tool = tmp_path / "tool"
    tool.write_text('#!/bin/sh\necho "$@" >> "$LOG"\n')
    tool.chmod(0o755)
    log = tmp_path / "log"
    log.touch()
    environment = {"VARIANT": variant, "LOG": str(log), "PATH": "/usr/bin:/bin"}
    step = step.replace("/build/uv/bin/uv", str(tool))
    subprocess.run(["/bin/sh", "-c", step], check=True, env=environment)
    installed = log.read_text().endswith("--require-hashes -r requirements/tfx-1.21-gpu.txt\n")
    assert installed == (variant == "gpu")


def test_every_step_of_the_build_is_valid_shell():
    for step in values("RUN"):
        subprocess.run(["/bin/sh", "-n", "-c", step], check=True)
