from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.identity import source_tree
from pipeline.identity.source_tree import imported_libraries, source_file, with_imported_modules

SOURCES = {
    "pipeline/start.py": "import os.path, PIL.Image\nfrom pipeline.direct import x\n",
    "pipeline/direct.py": "import numpy as np\nimport trainer_module.deep.indirect\n",
    "pipeline/unrelated.py": "import scipy\nfrom pipeline import start\n",
    "trainer_module/deep/__init__.py": "import keras\n",
    "trainer_module/deep/indirect.py": "from pipeline import start  # a circle\n",
    "components/everywhere.py": """
try:
    import in_try
except ImportError:
    import in_handler
else:
    from in_else import x
finally:
    import in_finally
if x:
    import in_if
elif y:
    import in_elif
else:
    import in_if_else
for _ in x:
    while y:
        with z:
            import in_loops
match x:
    case 1:
        import in_case
class A:
    async def f(self):
        import in_method
text = "import in_text"
from . import relative
""",
}


@pytest.fixture(name="root", autouse=True)
def _root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A small source tree in place of the repository."""
    for name, source in SOURCES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(source)
    monkeypatch.setattr(source_tree, "ROOT", tmp_path)
    source_tree._imports.cache_clear()
    yield tmp_path
    source_tree._imports.cache_clear()


def test_the_file_of_a_module_or_a_package_is_found(root):
    assert source_file("pipeline.start") == root / "pipeline/start.py"
    assert source_file("trainer_module.deep") == root / "trainer_module/deep/__init__.py"
    assert source_file("pipeline.start.f") is None


def test_imports_are_followed_through_our_modules_also_in_a_circle():
    assert with_imported_modules(["pipeline.start"]) == {
        "pipeline.start",
        "pipeline.direct",
        "trainer_module.deep.indirect",
    }


def test_libraries_are_the_imported_packages_that_are_neither_ours_nor_pythons():
    assert imported_libraries(["pipeline.start"]) == {"PIL"}
    assert imported_libraries(["pipeline.start", "pipeline.direct"]) == {"PIL", "numpy"}


def test_an_import_is_found_wherever_a_statement_may_be():
    assert imported_libraries(["components.everywhere"]) == {
        *("in_try", "in_handler", "in_else", "in_finally", "in_if", "in_elif", "in_if_else"),
        *("in_loops", "in_case", "in_method"),
    }
