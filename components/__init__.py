"""Carryover's own TFX components: one folder per component."""

import importlib
from typing import Any

from trainer_module.contract.process_environment import prepare_environment

prepare_environment()

#: Our artifact types by name. A task on Kubeflow imports a type by its title in the pipeline spec,
#: which is a package and a class without a module. TFX is not imported before a type is needed.
_ARTIFACT_TYPES = {
    "DataFindings": "components.data_gate.component",
    "ImageCatalog": "components.image_example_gen.component",
    "ImageRejects": "components.image_example_gen.component",
}


def __getattr__(name: str) -> Any:
    """Return an artifact type from the module that defines it."""
    if name not in _ARTIFACT_TYPES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_ARTIFACT_TYPES[name]), name)
