"""The bill of materials lists what is installed, with versions and hashes."""

import importlib.metadata

import sbom
from bootstrap import STACKS, Stack
from repository import ROOT

LOCK = """\
contourpy==1.3.3 ; python_full_version < '3.12' \\
    --hash=sha256:aa
    # via matplotlib
contourpy==1.4.0 ; python_full_version >= '3.12' \\
    --hash=sha256:bb \\
    --hash=sha256:cc
pywin32==312 ; sys_platform == 'win32' \\
    --hash=sha256:dd
zipp==4.1.2 \\
    --hash=sha256:ee
"""


def test_it_lists_what_is_installed_on_linux_with_the_preferred_python(tmp_path, monkeypatch):
    monkeypatch.setattr(sbom, "ROOT", tmp_path)
    stack = Stack("tfx", ("3.13", "3.11"), (2, 39))
    (tmp_path / "requirements").mkdir()
    (tmp_path / stack.lock("")).write_text(LOCK)
    (tmp_path / stack.lock("-gpu")).write_text("nvidia==1 \\\n    --hash=sha256:ff\n")
    found = [line.replace("\\\n   ", "").split() for line in sbom.requirements(stack, ("", "-gpu"))]
    assert [(line[0], len([word for word in line if "--hash" in word])) for line in found] == [
        ("contourpy==1.4.0", 2),
        ("zipp==4.1.2", 1),
        ("nvidia==1", 1),
    ]


def test_the_locks_of_each_stack_name_a_version_once():
    for stack in STACKS:
        names = [text.split("==")[0] for text in sbom.requirements(stack, ("", "-gpu"))]
        assert len(names) == len(set(names)) > 200


def test_it_has_the_version_of_the_package():
    assert sbom.package_version() == importlib.metadata.version("carryover")
    assert f'version="{sbom.package_version()}"' in (ROOT / "setup.py").read_text()
