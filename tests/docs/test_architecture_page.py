"""docs/architecture.md describes the repository as it is."""

import re

from documentation import page
from repository import ROOT

ARCHITECTURE = page("docs/architecture.md")
PACKAGES = ("pipeline", "components", "trainer_module")


def test_the_tree_has_every_room_and_nothing_that_does_not_exist():
    listed = paths_of_tree(ARCHITECTURE.blocks("")[0])
    assert [path for path in listed if not (ROOT / path).exists()] == []
    rooms = {
        file.parent.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for file in (ROOT / package).rglob("__init__.py")
    }
    assert rooms <= set(listed)
    loose = {
        file.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for file in (ROOT / package).glob("[a-z]*.py")
    }
    assert loose - set(listed) <= {f"pipeline/{name}.py" for name in SMALL}


#: Modules at the top of `pipeline` that hold a few helpers.
SMALL = ("command_options", "installed_versions", "tensorflow_import")


def test_every_path_in_the_text_exists():
    spans = [span for span in ARCHITECTURE.inline_code() if "/" in span and " " not in span]
    paths = [
        span for span in spans if span.split("/")[0] in (*PACKAGES, "tests", "docs", "configs")
    ]
    assert len(paths) > 50
    assert [path for path in paths if "<" not in path and not (ROOT / path).exists()] == []


def test_constants_are_in_the_files_that_are_named_with_them():
    pairs = re.findall(r"`([A-Z][A-Za-z_]+)` in `([\w/]+\.py)`", ARCHITECTURE.text)
    assert pairs
    for name, path in pairs:
        assert re.search(rf"\b{name}\b", (ROOT / path).read_text(encoding="utf-8")), (name, path)


def test_the_order_of_rooms_is_the_one_that_import_linter_checks():
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    [layers] = re.findall(
        r'containers = \["pipeline"\].*?^layers = \[(.*?)^\]', settings, re.M | re.S
    )
    expected = [sorted(names.split(" | ")) for names in re.findall(r'"([^"]+)"', layers)]
    shown = [sorted(line.split()) for line in ARCHITECTURE.blocks("")[1].splitlines()]
    assert shown == expected


def paths_of_tree(tree: str) -> list[str]:
    """Return the paths of an indented tree, each relative to the repository."""
    folders: list[str] = []
    paths = []
    for line in tree.splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        name = line.split()[0]
        folders[depth:] = [name.rstrip("/")]
        paths.append("/".join(folders))
    return paths
