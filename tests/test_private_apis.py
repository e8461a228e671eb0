"""Private APIs of TFX, Keras, Beam and Uvicorn are used in the folders `compat` only."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from repository import ROOT

PACKAGES = ("pipeline", "components", "trainer_module")

#: Modules that each library documents, by its top-level package. Whatever else is imported of it
#: may move without notice.
PUBLIC = {
    "apache_beam": {
        "apache_beam",
        "apache_beam.io.filesystem",
        "apache_beam.io.filesystems",
        "apache_beam.options.pipeline_options",
        "apache_beam.utils.shared",
    },
    "keras": {"keras"},
    "tensorflow": {
        "tensorflow",
        # Protocol buffers: messages of TensorFlow Serving and of the SavedModel format.
        "tensorflow.core.example.example_pb2",
        "tensorflow.core.framework.tensor_pb2",
        "tensorflow.core.framework.types_pb2",
        "tensorflow.core.protobuf.saved_model_pb2",
    },
    "uvicorn": {"uvicorn"},
    "tfx": {
        # In TFX's guide to custom components.
        "tfx",
        "tfx.dsl.components.base",
        "tfx.dsl.components.base.base_beam_executor",
        "tfx.dsl.components.base.base_component",
        "tfx.dsl.components.base.base_executor",
        "tfx.dsl.components.base.executor_spec",
        "tfx.types",
        "tfx.types.artifact",
        "tfx.types.artifact_utils",
        "tfx.types.component_spec",
        "tfx.types.standard_artifacts",
        # Where the names of tfx.v1 are defined; tfx.v1 itself imports all of TFX.
        "tfx.components",
        "tfx.components.schema_gen.import_schema_gen.component",
        "tfx.dsl.components.base.base_node",
        "tfx.dsl.components.common.importer",
        "tfx.dsl.components.common.resolver",
        "tfx.dsl.io",
        "tfx.dsl.io.fileio",
        "tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner",
        "tfx.orchestration.pipeline",
        "tfx.proto",
    },
}

#: What tfx.v1 has of a module that is private otherwise.
PUBLIC_NAMES = {"tfx.orchestration.metadata": {"sqlite_metadata_connection_config"}}

#: Documented in spite of the underscore: `collections.namedtuple` and `os._exit`.
DOCUMENTED = {"_asdict", "_fields", "_make", "_replace", "_exit"}


def sources() -> list[Path]:
    """Files of the packages outside the folders `compat`."""
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return sorted(path for path in files if path.parent.name != "compat")


def private_imports(tree: ast.AST) -> Iterator[str]:
    """Import statements, or dotted paths in strings, of what a library does not document."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if not _is_public(alias.name):
                    yield f"line {node.lineno}: import {alias.name}"
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                known = PUBLIC_NAMES.get(node.module, set())
                if alias.name not in known and not _is_public(node.module, alias.name):
                    yield f"line {node.lineno}: from {node.module} import {alias.name}"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            parts = node.value.split(".")
            if len(parts) > 1 and parts[0] in PUBLIC and all(map(str.isidentifier, parts)):
                yield f"line {node.lineno}: the path {node.value!r}"


def _is_public(module: str, name: str = "") -> bool:
    top = module.partition(".")[0]
    if top in PACKAGES:
        return True
    if any(part.startswith("_") for part in [*module.split("."), name] if part != "__future__"):
        return False
    if top not in PUBLIC:
        return True
    # `from package import module` imports a module or something in the package.
    children = {path for path in PUBLIC[top] if path.startswith(f"{module}.")}
    return module in PUBLIC[top] or f"{module}.{name}" in children


def private_attributes(tree: ast.AST, ours: set[str]) -> Iterator[str]:
    """Accesses of attributes with a leading underscore that are not ours.

    Args:
        tree: Module.
        ours: Underscored names that our packages define.
    """
    own = set(defined_names(tree))
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute) or not _is_private(node.attr):
            continue
        on_self = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
        if node.attr not in (ours if on_self else own):
            yield f"line {node.lineno}: {ast.unparse(node)}"


def defined_names(tree: ast.AST) -> Iterator[str]:
    """Underscored names of functions, classes, attributes and fields that a module defines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.id if isinstance(node, ast.Name) else node.attr


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name not in DOCUMENTED


def mocks(tree: ast.AST) -> Iterator[str]:
    """Imports of `unittest.mock`: a product that patches a library depends on its inside."""
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        if "unittest.mock" in names:
            yield f"line {node.lineno}: unittest.mock"


def test_nothing_outside_compat_uses_private_apis():
    trees = {path: ast.parse(path.read_bytes()) for path in sources()}
    ours = {name for tree in trees.values() for name in defined_names(tree)}
    found = [
        f"{path.relative_to(ROOT)}, {use}"
        for path, tree in trees.items()
        for use in (*private_imports(tree), *private_attributes(tree, ours), *mocks(tree))
    ]
    assert not found, (
        "Private APIs are used outside the folders `compat`. Move the use there, "
        "with its reason and a test, or add a documented module to PUBLIC:\n" + "\n".join(found)
    )


@pytest.mark.parametrize(
    "source",
    [
        "from tfx.orchestration.portable import launcher",
        "from tfx.orchestration.metadata import Metadata",
        "import tfx.dsl.compiler.compiler",
        "from keras.src import ops",
        "import keras.src.backend",
        "from tensorflow.python.eager import context",
        "from apache_beam.runners import runner",
        "from pydantic._internal import _model_construction",
        "from scipy import _lib",
        "RUNNER = 'apache_beam.runners.direct.DirectRunner'",
        "from unittest import mock",
        "import unittest.mock",
        "def f(model): return model._layers",
        "class Ours(Theirs):\n    def f(self): return self._make_pipeline()",
    ],
)
def test_private_apis_are_found(source):
    tree = ast.parse(source)
    uses = [*private_imports(tree), *private_attributes(tree, set()), *mocks(tree)]
    assert uses


@pytest.mark.parametrize(
    "source",
    [
        "from tfx import types",
        "from tfx.types import artifact, standard_artifacts",
        "from tfx.dsl.components.base import base_executor",
        "from tfx.orchestration.metadata import sqlite_metadata_connection_config",
        "import keras\nimport apache_beam as beam",
        "from __future__ import annotations",
        "from trainer_module.contract.locations import _URI",
        "class Ours:\n    _x: int\n    def f(self, other): return self._x + other._x",
        "def f(row): return row._replace(x=1)",
        "TEXT = 'keras. A sentence.'",
    ],
)
def test_public_and_own_names_are_left_alone(source):
    tree = ast.parse(source)
    ours = set(defined_names(tree))
    assert not [*private_imports(tree), *private_attributes(tree, ours), *mocks(tree)]
