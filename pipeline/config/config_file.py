"""Read a config: a YAML file and `--set key=value`."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipeline.config.config_error import ConfigSources, describe_error
from pipeline.config.option_types import drop_empty_groups, takes_null, takes_text
from pipeline.config.retraining_options import other_name
from pipeline.config.run_config import RunConfig
from pipeline.config.yaml_parser import ParsedYaml, YamlError, parse_yaml
from trainer_module.contract.errors import InputError
from trainer_module.contract.locations import is_uri
from trainer_module.contract.options_base import expand_home
from trainer_module.training_options import NAMED_WEIGHTS

#: Keys with paths, relative to the folder of the config file. `data` may be a URI.
PATH_KEYS = (("data",), ("workspace",), ("backbone", "weights"), ("retrain", "inbox"))


def load_config(
    path: Path | None, overrides: list[str], values: dict[str, Any] | None = None
) -> RunConfig:
    """Read and validate a config.

    Args:
        path: Path of a YAML file; None for the defaults.
        overrides: Texts `key=value` with dotted keys. They win over the file. The last text of a
            key wins.
        values: Values by dotted key. They win over both.

    Raises:
        InputError: The file is unreadable, or a key or value is not allowed.

    Example:
        >>> from pipeline.config.config_file import load_config
        >>> config = load_config(None, ["gate.max_drop=0.01"], {"data": "my/pictures"})
        >>> config.gate.max_drop, config.image_size
        (0.01, 224)
    """
    parsed = _read_yaml(path) if path else ParsedYaml({})
    settings: dict[str, Any] = parsed.value
    sources = ConfigSources(path, parsed.lines)
    for override in overrides:
        key, value = _parse_override(override)
        _check_overlap(key, sources.given)
        _assign(settings, key, value)
        sources.given.add(key)
    for name, value in (values or {}).items():
        key = tuple(name.split("."))
        _assign(settings, key, value)
        sources.given.add(key)
    try:
        return RunConfig.model_validate(settings)
    except ValidationError as error:
        raise InputError(describe_error(error, sources)) from None


def _read_yaml(path: Path) -> ParsedYaml:
    try:
        parsed = parse_yaml(path.read_bytes())
    except OSError as error:
        raise InputError(f"config file {path}: {error.strerror}. Name an existing file.") from None
    except YamlError as error:
        where = " is not valid YAML: line" if error.is_syntax else ", line"
        raise InputError(f"config file {path}{where} {error.line}: {error.problem}") from None
    if not isinstance(parsed.value, dict):
        raise InputError(f"config file {path} must hold `key: value` lines.")
    drop_empty_groups(parsed.value, RunConfig)
    for *groups, last in PATH_KEYS:
        settings: Any = parsed.value
        for group in groups:
            settings = settings.get(group) if isinstance(settings, dict) else None
        if isinstance(settings, dict) and isinstance(settings.get(last), str):
            settings[last] = _absolute(settings[last], path.parent)
    return parsed


def _absolute(text: str, folder: Path) -> str:
    """Return a path of the config file, which is relative to the folder of the file."""
    if not text.strip() or is_uri(text) or text in NAMED_WEIGHTS:
        return text
    # Absolute: a folder with the name ~root in the working directory is not a home folder.
    return str(folder.absolute() / expand_home(text))


def _parse_override(override: str) -> tuple[tuple[str, ...], Any]:
    """Parse a text `key=value`. The value of a key that holds text is taken as it is."""
    name, equals, text = override.partition("=")
    name = name.strip()
    if not equals or not name:
        raise InputError(f"--set takes key=value, such as image_size=128. Received: {override}")
    key = tuple(name.split("."))
    is_quoted = text.strip().startswith(("'", '"'))
    is_null = text.strip().lower() in ("", "null") and takes_null(RunConfig, key)
    if takes_text(RunConfig, key) and not is_quoted and not is_null:
        return key, text.strip()
    try:
        return key, parse_yaml(text).value
    except YamlError as error:
        invalid = "the value is not valid YAML. " if error.is_syntax else ""
        raise InputError(f"--set {name}: {invalid}{error.problem} Received: {text}") from None


def _check_overlap(key: tuple[str, ...], earlier: set[tuple[str, ...]]) -> None:
    """Refuse a group after one of its keys, which it would drop."""
    for other in earlier:
        if len(other) > len(key) and other[: len(key)] == key:
            raise InputError(
                f"--set {'.'.join(key)}: it replaces --set {'.'.join(other)}. Give only one."
            )


def _assign(settings: dict[str, Any], key: tuple[str, ...], value: Any) -> None:
    """Set the value of a dotted key."""
    *groups, last = key
    for group in groups:
        settings = settings.setdefault(group, {})
        if not isinstance(settings, dict):
            raise InputError(f"--set {'.'.join(key)}: {group} is a value, not a group of keys.")
    if groups == ["retrain"] and (other := other_name(last)):
        settings.pop(other, None)  # the file may have the key under its other name
    settings[last] = value
