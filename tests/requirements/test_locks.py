"""Locks: what production installs is small, and the other locks agree with it."""

import importlib.metadata
import re
import runpy
import shutil
import subprocess
import sys
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import setuptools
from bootstrap import STACKS, Stack
from lock_file import LockedPackage, read_lock
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from repository import ROOT
from sbom import PLATFORM

KINDS = ("", "-dev", "-gpu")

stacks = pytest.mark.parametrize("stack", STACKS, ids=lambda stack: stack.name)


def locked(stack: Stack, kind: str) -> list[LockedPackage]:
    return read_lock(ROOT / stack.lock(kind))


def installed(stack: Stack, kind: str, python: str) -> dict[str, LockedPackage]:
    """What a lock installs on Linux with this Python, by name."""
    target = PLATFORM | {"python_version": python, "python_full_version": f"{python}.0"}
    packages = locked(stack, kind)
    fitting = [one for one in packages if not one.marker or Marker(one.marker).evaluate(target)]
    assert len({one.name for one in fitting}) == len(fitting)
    return {one.name: one for one in fitting}


@pytest.fixture(name="definition", scope="module")
def _definition() -> dict[str, Any]:
    """Arguments of setup() in setup.py."""
    definition: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(setuptools, "setup", definition.update)
        patch.chdir(ROOT)
        runpy.run_path(str(ROOT / "setup.py"))
    return definition


@stacks
def test_no_development_tool_is_in_what_production_installs(stack, definition):
    tools = {
        canonicalize_name(Requirement(text).name) for text in definition["extras_require"]["dev"]
    }
    assert {"pytest", "mypy", "selenium", "hypothesis", "ruff"} <= tools
    names = {one.name for kind in ("", "-gpu") for one in locked(stack, kind)}
    assert names & tools == set()
    assert tools <= {one.name for one in locked(stack, "-dev")}


@pytest.mark.parametrize(
    ("stack", "python"), [(stack, python) for stack in STACKS for python in stack.pythons]
)
def test_the_development_lock_agrees_with_production_on_every_package(stack, python):
    production = installed(stack, "", python)
    development = installed(stack, "-dev", python)
    assert len(production) > 200
    assert production.keys() <= development.keys()
    for name, package in production.items():
        assert package.version == development[name].version
        assert hashes(package) == hashes(development[name])


@stacks
def test_the_gpu_lock_adds_only_libraries_of_nvidia(stack):
    added = locked(stack, "-gpu")
    assert len(added) > 10
    assert {one.name.split("-")[0] for one in added} == {"nvidia"}
    assert {one.name for one in added} & {one.name for one in locked(stack, "")} == set()


def test_the_gpu_lock_has_the_versions_that_the_locked_tensorflow_asks_for():
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    [stack] = [stack for stack in STACKS if version in stack.pythons]
    asked = [Requirement(text) for text in importlib.metadata.requires("tensorflow") or []]
    cuda = [one for one in asked if one.marker and one.marker.evaluate({"extra": "and-cuda"})]
    wanted = [one for one in cuda if not one.marker.evaluate({"extra": ""})]
    versions = {one.name: one.version for one in locked(stack, "-gpu")}
    assert len(wanted) > 8
    assert [str(one) for one in wanted if versions.get(one.name) not in one.specifier] == []


@stacks
@pytest.mark.parametrize("kind", KINDS)
def test_every_package_has_a_hash_and_no_index_is_named(stack, kind):
    assert [one.name for one in locked(stack, kind) if not hashes(one)] == []
    text = (ROOT / stack.lock(kind)).read_text()
    assert len(re.findall(r"^[^ #]", text, re.MULTILINE)) == len(locked(stack, kind)) > 10
    assert not [word for word in ("://", "--index-url", "--find-links") if word in text]


@stacks
def test_the_locks_have_versions_that_setup_py_admits(stack, definition):
    python = stack.pythons[0]
    target = PLATFORM | {"python_version": python, "python_full_version": f"{python}.0"}
    versions = {name: one.version for name, one in installed(stack, "-dev", python).items()}
    extras = definition["extras_require"]
    locked_extras = [extras[name] for name in ("dev", "onnx", "hub", "object-store")]
    wanted = map(Requirement, chain(definition["install_requires"], *locked_extras))
    unmet = [
        str(one)
        for one in wanted
        if (not one.marker or one.marker.evaluate(target))
        and versions.get(canonicalize_name(one.name), "0.dev0") not in one.specifier
    ]
    assert unmet == [], "run `make lock`"


def test_make_lock_writes_every_lock():
    made = subprocess.run(
        [shutil.which("make") or "make", "--dry-run", "lock"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    locks = {path.relative_to(ROOT).as_posix() for path in Path(ROOT, "requirements").glob("*.txt")}
    assert len(locks) == 9
    assert [lock for lock in locks if f"-o {lock}" not in " ".join(made.split())] == []


def hashes(package: LockedPackage) -> list[str]:
    return sorted(word for word in package.requirement.split() if word.startswith("--hash=sha256:"))
