"""Memory of a machine and of a container, with the files that Linux has of both versions."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from trainer_module.contract import machine_memory
from trainer_module.contract.machine_memory import available_memory, memory_limit

GIB = 2**30


@pytest.fixture(name="cgroups", autouse=True)
def _cgroups(monkeypatch, tmp_path: Path) -> Path:
    """Return the folder of control groups of a machine with 16 GiB, of which 10 are available."""
    memory = SimpleNamespace(total=16 * GIB, available=10 * GIB)
    monkeypatch.setattr(machine_memory.psutil, "virtual_memory", lambda: memory)
    monkeypatch.setattr(machine_memory, "CGROUPS", tmp_path)
    monkeypatch.setattr(machine_memory, "OWN_CGROUPS", tmp_path / "own")
    return tmp_path


def add_group(folder: Path, limit: str, used: int, cached: int, version: int = 2) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    names = machine_memory.VERSION_2 if version == 2 else machine_memory.VERSION_1
    (folder / names[0]).write_text(f"{limit}\n")
    (folder / names[1]).write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 77\n{names[2]} {cached}\nactive_file 5\n")


def test_without_control_groups_the_machine_counts():
    assert (memory_limit(), available_memory()) == (16 * GIB, 10 * GIB)


@pytest.mark.parametrize("version", [1, 2])
def test_a_container_has_its_limit_less_what_it_uses_besides_the_file_cache(cgroups, version):
    folder = cgroups / "memory" if version == 1 else cgroups
    add_group(folder, str(4 * GIB), used=3 * GIB, cached=2 * GIB, version=version)
    assert (memory_limit(), available_memory()) == (4 * GIB, 3 * GIB)


@pytest.mark.parametrize("limit", ["max", str(2**63 - 4096)])
def test_a_group_without_a_limit_changes_nothing(cgroups, limit):
    add_group(cgroups, limit, used=3 * GIB, cached=0)
    assert (memory_limit(), available_memory()) == (16 * GIB, 10 * GIB)


def test_the_group_of_the_process_and_those_above_it_count(cgroups):
    (cgroups / "own").write_text("3:cpuset:/x\n0::/slice/unit\n")
    add_group(cgroups / "slice", str(2 * GIB), used=GIB, cached=0)
    add_group(cgroups / "slice" / "unit", str(3 * GIB), used=GIB // 2, cached=0)
    assert (memory_limit(), available_memory()) == (2 * GIB, GIB)


def test_a_group_that_uses_more_than_its_limit_has_nothing_left(cgroups):
    add_group(cgroups, str(GIB), used=2 * GIB, cached=0)
    assert available_memory() == 0


def test_the_machine_that_runs_this_has_memory(monkeypatch):
    monkeypatch.undo()
    assert 0 < available_memory() <= memory_limit()
