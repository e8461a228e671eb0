"""Read a config: a YAML file and `--set key=value`."""

import copy
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipeline.config.config_error import ConfigSources, describe_error
from pipeline.config.option_types import drop_empty_groups, takes_null, takes_text
from pipeline.config.parsing.config_content import read_config_content
from pipeline.config.parsing.yaml_loader import MAX_DEPTH, YamlError, shown_key
from pipeline.config.parsing.yaml_parser import ParsedYaml, parse_yaml
from pipeline.config.retraining_options import other_name
from pipeline.config.run_config import RunConfig
from pipeline.config.stored_config import (
    ONE_RUN_KEYS,
    check_no_mask,
    read_lasting,
    restore_secrets,
)
from trainer_module.backbones.saved_network import absolute_name
from trainer_module.contract.errors import InputError
from trainer_module.contract.locations import expand_home, is_uri
from trainer_module.contract.output_text.credentials import masked_arguments
from trainer_module.contract.printable_names import shortened
from trainer_module.training_options import NAMED_WEIGHTS

#: Keys with a path or a list of paths, relative to the folder of the config file. Those of `data`
#: and `retrain.allowed_roots` may be URIs.
PATH_KEYS = (
    ("data",),
    ("workspace",),
    ("backbone", "weights"),
    ("retrain", "inbox"),
    ("retrain", "allowed_roots"),
)


def load_config(
    path: Path | None,
    overrides: list[str],
    values: dict[str, Any] | None = None,
    is_inherited: bool = False,
    defaults: dict[str, Any] | None = None,
) -> RunConfig:
    """Read and validate a config.

    Args:
        path: Path of a YAML file; None for the defaults.
        overrides: Texts `key=value` with dotted keys. They win over the file. The last text of a
            key wins.
        values: Values by dotted key. They win over both.
        is_inherited: Whether the file is the config of an earlier run, without what `--set` changed
            for that run alone, see `stored_config`.
        defaults: Values of keys without dots that neither the file nor an override names.

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
    lasting = read_lasting(path) if path else {}
    without = copy.deepcopy({**settings, **lasting})
    if is_inherited:
        settings.update(lasting)
    sources = ConfigSources(path, parsed.lines)
    for override in overrides:
        key, value = _parse_override(override)
        _check_overlap(key, sources.given)
        _assign(settings, key, value)
        sources.given.add(key)
    for name, value in (defaults or {}).items():
        settings.setdefault(name, value)
    changed = {key[0] for key in sources.given}.intersection(ONE_RUN_KEYS) | lasting.keys()
    for name, value in (values or {}).items():
        key = tuple(name.split("."))
        _assign(settings, key, value)
        sources.given.add(key)
    check_no_mask(settings)
    try:
        config = RunConfig.model_validate(settings)
    except ValidationError as error:
        raise InputError(describe_error(error, sources)) from None
    return config.with_lasting(_lasting_settings(config, settings, without, changed))


def _lasting_settings(
    config: RunConfig, settings: dict[str, Any], without: dict[str, Any], changed: set[str]
) -> dict[str, Any]:
    """Return the settings that `--set` changed for one run, as they are without it.

    Args:
        config: Config of the run.
        settings: Its settings.
        without: Settings without what `--set` changed.
        changed: Names in `ONE_RUN_KEYS`.
    """
    kept = {name: value for name, value in settings.items() if name not in changed}
    kept |= {name: without[name] for name in changed if name in without}
    try:
        lasting = RunConfig.model_validate(kept) if changed else config
    except ValidationError:  # the file is valid with the changes only, so they are inherited
        return {}
    values = {name: getattr(lasting, name) for name in sorted(changed)}
    return {name: value for name, value in values.items() if value != getattr(config, name)}


def _read_yaml(path: Path) -> ParsedYaml:
    try:
        parsed = parse_yaml(read_config_content(path))
    except OSError as error:
        raise InputError(f"config file {path}: {error.strerror}. Name an existing file.") from None
    except YamlError as error:
        where = " is not valid YAML: line" if error.is_syntax else ", line"
        raise InputError(f"config file {path}{where} {error.line}: {error.problem}") from None
    if not isinstance(parsed.value, dict):
        raise InputError(f"config file {path} must hold `key: value` lines.")
    restore_secrets(parsed.value, path.parent)
    drop_empty_groups(parsed.value, RunConfig)
    backbone = parsed.value.get("backbone")
    if isinstance(backbone, dict) and isinstance(backbone.get("name"), str):
        backbone["name"] = absolute_name(backbone["name"], path.parent.absolute())
    for *groups, last in PATH_KEYS:
        settings: Any = parsed.value
        for group in groups:
            settings = settings.get(group) if isinstance(settings, dict) else None
        if isinstance(settings, dict) and last in settings:
            settings[last] = _absolute(settings[last], path.parent)
    return parsed


def _absolute(text: Any, folder: Path) -> Any:
    """Return a path of the config file, or a list of them, relative to the folder of the file."""
    if isinstance(text, list):
        return [_absolute(one, folder) for one in text]
    if not isinstance(text, str):
        return text  # the validation says what is wrong with it
    if not text.strip() or is_uri(text) or text in NAMED_WEIGHTS:
        return text
    # Absolute: a folder with the name ~root in the working directory is not a home folder.
    return str(folder.absolute() / expand_home(text))


def _parse_override(override: str) -> tuple[tuple[str, ...], Any]:
    """Parse a text `key=value`. The value of a key that holds text is taken as it is."""
    name, equals, text = override.partition("=")
    [masked] = masked_arguments([override])
    name, shown = name.strip(), shortened(masked, 200)
    if not equals or not name:
        raise InputError(f"--set takes key=value, such as image_size=128. Received: {shown}")
    key = tuple(name.split("."))
    if len(key) > MAX_DEPTH:
        raise InputError(f"--set {shown}: the key names more than {MAX_DEPTH} groups.")
    is_quoted = text.strip().startswith(("'", '"'))
    is_null = text.strip().lower() in ("", "null") and takes_null(RunConfig, key)
    if takes_text(RunConfig, key) and not is_quoted and not is_null:
        return key, text.strip()
    try:
        return key, parse_yaml(text).value
    except YamlError as error:
        invalid = "the value is not valid YAML. " if error.is_syntax else ""
        where, received = shortened(name), shortened(masked.partition("=")[2], 200)
        raise InputError(f"--set {where}: {invalid}{error.problem} Received: {received}") from None


def _check_overlap(key: tuple[str, ...], earlier: set[tuple[str, ...]]) -> None:
    """Refuse a group after one of its keys, which it would drop."""
    for other in earlier:
        if len(other) > len(key) and other[: len(key)] == key:
            raise InputError(
                f"--set {shown_key(key)}: it replaces --set {shown_key(other)}. Give only one."
            )


def _assign(settings: dict[str, Any], key: tuple[str, ...], value: Any) -> None:
    """Set the value of a dotted key."""
    *groups, last = key
    for group in groups:
        settings = settings.setdefault(group, {})
        if not isinstance(settings, dict):
            where, value = shown_key(key), shortened(group)
            raise InputError(f"--set {where}: {value} is a value, not a group of keys.")
    if groups == ["retrain"] and (other := other_name(last)):
        settings.pop(other, None)  # the file may have the key under its other name
    settings[last] = value
