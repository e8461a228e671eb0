"""Read a config: a YAML file and `--set key=value`."""

import difflib
import json
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from pipeline.config.retraining_options import other_name
from pipeline.config.run_config import RunConfig
from trainer_module.contract.errors import InputError
from trainer_module.contract.locations import is_uri
from trainer_module.training_options import NAMED_WEIGHTS

#: Keys with paths, relative to the folder of the config file. `data` may be a URI.
PATH_KEYS = ("data", "workspace")


def load_config(
    path: Path | None, overrides: list[str], values: dict[str, Any] | None = None
) -> RunConfig:
    """Read and validate a config.

    Args:
        path: Path of a YAML file; None for the defaults.
        overrides: Texts `key=value` with dotted keys. They win over the file.
        values: Values by top-level key. They win over both.

    Raises:
        InputError: The file is unreadable, or a key or value is not allowed.

    Example:
        >>> from pipeline.config.config_file import load_config
        >>> config = load_config(None, ["gate.max_drop=0.01"], {"data": "my/pictures"})
        >>> config.gate.max_drop, config.image_size
        (0.01, 224)
    """
    settings = _read_yaml(path) if path else {}
    for override in overrides:
        _apply_override(settings, override)
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
        problem = " ".join(str(error).split())
        raise InputError(f"config file {path} is not valid YAML: {problem}") from None
    if not isinstance(settings, dict):
        raise InputError(f"config file {path} must hold `key: value` lines.")
    for key in PATH_KEYS:
        if isinstance(settings.get(key), str) and not is_uri(settings[key]):
            settings[key] = str(path.parent / Path(settings[key]).expanduser())
    backbone = settings.get("backbone")
    if isinstance(backbone, dict) and backbone.get("weights", "none") not in NAMED_WEIGHTS:
        backbone["weights"] = str(path.parent / str(backbone["weights"]))
    return settings


def _apply_override(settings: dict[str, Any], override: str) -> None:
    """Apply one text `key=value` to the settings."""
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise InputError(f"--set takes key=value, such as image_size=128. Received: {override}")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise InputError(f"--set {key}: the value is not valid YAML. Received: {text}") from None
    *groups, last = key.split(".")
    for group in groups:
        settings = settings.setdefault(group, {})
        if not isinstance(settings, dict):
            raise InputError(f"--set {key}: {group} is a value, not a group of keys.")
    if groups == ["retrain"] and (other := other_name(last)):
        settings.pop(other, None)  # the file may have the key under its other name
    settings[last] = value


def _in_one_line(error: ValidationError, path: Path | None) -> str:
    """Return the first problem: the key, what is allowed, and what was received."""
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
