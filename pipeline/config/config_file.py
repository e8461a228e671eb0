"""Reads a configuration: YAML file plus `--set key=value`."""

import difflib
import json
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from pipeline.config.run_config import RunConfig
from trainer_module.contract.errors import InputError
from trainer_module.contract.locations import is_uri
from trainer_module.training_options import NAMED_WEIGHTS

#: Keys that hold paths, `data` also a URI; in a file they are relative to that file's folder.
PATH_KEYS = ("data", "workspace")


def load_config(
    path: Path | None, overrides: list[str], values: dict[str, Any] | None = None
) -> RunConfig:
    """Read and validate a configuration.

    Args:
        path: YAML file, or None for the defaults.
        overrides: `key=value` texts with dotted keys, `gate.max_drop=0.01`; they win over the file.
        values: further values by top-level key; they win over both.

    Raises:
        InputError: the file cannot be read, or a key or value is not allowed.
    """
    settings = _read_yaml(path) if path else {}
    for override in overrides:
        _set(settings, override)
    settings.update(values or {})
    try:
        return RunConfig.model_validate(settings)
    except ValidationError as error:
        raise InputError(_in_one_line(error, path)) from None


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"config file {path}: {error.strerror}. Name an existing file.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        place = " ".join(str(error).split())
        raise InputError(f"config file {path} is not valid YAML: {place}") from None
    if not isinstance(settings, dict):
        raise InputError(f"config file {path} must hold `key: value` lines.")
    for key in PATH_KEYS:
        if isinstance(settings.get(key), str) and not is_uri(settings[key]):
            settings[key] = str(path.parent / Path(settings[key]).expanduser())
    backbone = settings.get("backbone")
    if isinstance(backbone, dict) and backbone.get("weights", "none") not in NAMED_WEIGHTS:
        backbone["weights"] = str(path.parent / str(backbone["weights"]))
    return settings


def _set(settings: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise InputError(f"--set wants key=value, such as image_size=128. Received: {override}")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise InputError(f"--set {key}: the value is not valid YAML. Received: {text}") from None
    *groups, last = key.split(".")
    for group in groups:
        settings = settings.setdefault(group, {})
        if not isinstance(settings, dict):
            raise InputError(f"--set {key}: {group} is a value, not a group of keys.")
    settings[last] = value


def _in_one_line(error: ValidationError, path: Path | None) -> str:
    """The first problem, with the key, what is allowed and what was received."""
    problem = error.errors()[0]
    key = ".".join(str(part) for part in problem["loc"])
    where = f" ({path})" if path else ""
    more = f" ({error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if problem["type"] == "extra_forbidden":
        return f"config key '{key}' is unknown{where}. {_allowed_keys(problem['loc'])}{more}"
    if problem["type"] == "missing":
        return f"config key '{key}' is missing{where}. {_hint(key)}{more}"
    message = problem["msg"].removeprefix("Value error, ")
    received = json.dumps(problem["input"], default=str)
    subject = f"config key '{key}'" if key else "config"
    return f"{subject}: {message}. Received: {received[:200]}{where}{more}"


def _hint(key: str) -> str:
    return "Give --data DIR." if key == "data" else "Add it to the config file."


def _allowed_keys(location: tuple[int | str, ...]) -> str:
    group: Any = RunConfig
    for part in location[:-1]:
        group = group.model_fields[part].annotation
    allowed = list(group.model_fields)
    close = difflib.get_close_matches(str(location[-1]), allowed, n=1)
    return (f"Did you mean '{close[0]}'? " if close else "") + f"Allowed: {', '.join(allowed)}."
