"""What the keys of a config can hold, by the types of its fields."""

from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel


def key_types(model: type[BaseModel], key: tuple[str, ...]) -> set[Any]:
    """Return the types that a key can hold; the empty set for an unknown key.

    Args:
        model: Model of the whole config.
        key: Keys that lead to the value: groups, and possibly a key of a dict.

    Example:
        >>> from pipeline.config.option_types import key_types
        >>> from pipeline.config.run_config import RunConfig
        >>> key_types(RunConfig, ("kubeflow", "env", "HOME"))
        {<class 'str'>}
    """
    types: set[Any] = {model}
    for part in key:
        kind = next((one for one in types if one is not NoneType), None)
        if isinstance(kind, type) and issubclass(kind, BaseModel) and part in kind.model_fields:
            types = _members(kind.model_fields[part].annotation)
        elif get_origin(kind) is dict:
            types = _members(get_args(kind)[1])
        else:
            return set()
    return types


def takes_text(model: type[BaseModel], key: tuple[str, ...]) -> bool:
    """Return whether a key holds text or a path, and nothing else but null."""
    types = key_types(model, key) - {NoneType}
    return bool(types) and types <= {str, Path}


def takes_null(model: type[BaseModel], key: tuple[str, ...]) -> bool:
    """Return whether a key can hold null."""
    return NoneType in key_types(model, key)


def drop_empty_groups(settings: dict[str, Any], model: type[BaseModel]) -> None:
    """Remove groups, dicts and lists without content: `gate:` with all its keys commented out.

    Args:
        settings: Settings of a config file; changed in place.
        model: Model of these settings.
    """
    for name, field in model.model_fields.items():
        is_group = isinstance(field.default, BaseModel | dict | tuple)
        if is_group and name in settings and settings[name] is None:
            del settings[name]
        elif isinstance(field.default, BaseModel) and isinstance(settings.get(name), dict):
            drop_empty_groups(settings[name], type(field.default))


def _members(annotation: Any) -> set[Any]:
    """Return the types of a union, without what `Annotated` adds."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _members(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return set().union(*(_members(one) for one in get_args(annotation)))
    return {annotation}
