"""Carryover's own TFX components, one folder each."""

import importlib
from typing import Any

#: Our artifact types by name. A step on Kubeflow imports a type by the title in the pipeline spec,
#: which has room for one package and the class; TFX is not imported before one is asked for.
_ARTIFACT_TYPES = {
    "DataFindings": "components.data_gate.component",
    "ImageCatalog": "components.image_example_gen.component",
    "ImageRejects": "components.image_example_gen.component",
}


def __getattr__(name: str) -> Any:
    """An artifact type, from the module that defines it."""
    if name not in _ARTIFACT_TYPES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_ARTIFACT_TYPES[name]), name)
