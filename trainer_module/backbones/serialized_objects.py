"""Check of serialized Keras objects before they are deserialized.

Importable without TensorFlow, so that a config is checked before anything runs.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from trainer_module.contract.errors import InputError

#: Packages whose classes a configuration may name, and the modules of Keras. Keras refuses others,
#: too, and code in a Lambda, but its older versions call functions of `keras.utils`.
_ALLOWED_PACKAGES = {"builtins", "keras", "keras_hub"}
_ALLOWED_MODULES = {"activations", "backend", "constraints", "dtype_policies", "initializers"}
_ALLOWED_MODULES |= {"layers", "losses", "metrics", "models", "ops", "optimizers", "regularizers"}

#: Layers that read files or run programs of other kinds.
_REFUSED_LAYERS = {"TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"}
_REFUSED_LAYERS |= {"StringLookup", "IntegerLookup", "TextVectorization"}


def check_serialized(values: Any, where: str) -> None:
    """Refuse a serialized Keras object with code in it, or with classes of other packages.

    Args:
        values: JSON values of the object.
        where: Where it is, for the message.

    Raises:
        InputError: It has a Lambda or other code, or a class of a package that is not allowed.
    """
    for one in _objects(values):
        name, module = one.get("class_name"), one.get("module")
        if name in ("Lambda", "__lambda__", "__bytes__"):
            raise InputError(
                f"{where} holds a Lambda, which is code and is not run. Save it again with layers "
                "of Keras only"
            )
        is_called = name == "function" and "inbound_nodes" in one
        if is_called or name in _REFUSED_LAYERS or not _is_allowed(module):
            raise InputError(
                f"{where} holds {name!a} of {module!a}. Save it again with layers of Keras or "
                "keras-hub only"
            )


def needs_keras_hub(network: Mapping[str, Any]) -> bool:
    """Return whether a serialized Keras object has layers of keras-hub."""
    return any(str(one.get("module")).split(".")[0] == "keras_hub" for one in _objects(network))


def _is_allowed(module: Any) -> bool:
    if not isinstance(module, str):
        return True  # no class: a value of an option
    package, *parts = module.split(".")
    if parts and parts[0] == "src":
        parts = parts[1:]
    if package != "keras":
        return package in _ALLOWED_PACKAGES
    return not parts or parts[0] in _ALLOWED_MODULES


def _objects(values: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every JSON object in JSON values."""
    waiting = [values]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
