"""The config in the folder of a run: `config.yaml` without credentials, which are in another file.

People read, copy and attach `config.yaml`, so credentials in it are masked. A later retraining
needs them: they are in `secrets.yaml` beside it, which only its owner can read. Without credentials
there is no such file.

What `--set` changes of `ONE_RUN_KEYS` holds for one run: a gate that was switched off for one batch
would be off for all later ones. The values of these keys without it are in `lasting.yaml`.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.config.parsing.yaml_loader import YamlError
from pipeline.config.parsing.yaml_parser import dump_yaml, parse_yaml
from pipeline.config.run_config import RunConfig
from trainer_module.contract.atomic_write import atomic_write
from trainer_module.contract.errors import InputError
from trainer_module.contract.output_text.credentials import MASK, holds_mask, masked_settings
from trainer_module.contract.workspace_files.state_files import damaged_file, read_state

SECRETS_FILE = "secrets.yaml"

#: Config of a run, in its folder.
CONFIG_FILE = "config.yaml"

#: File beside `config.yaml` with what `--set` changed for this run alone, as it is without it.
LASTING_FILE = "lasting.yaml"

#: Keys of a config, the first two of them groups, for which `--set` holds for one run.
ONE_RUN_KEYS = ("gate", "validation", "check_disk")


def write_config(path: Path, config: RunConfig) -> None:
    """Write a config with masked credentials, and what is beside it: see the module.

    Args:
        path: Path of `config.yaml`. Its folder must exist.
        config: Config of a run.
    """
    masked = mask_credentials(config.model_dump(mode="json"), path.parent)
    if config.lasting:
        without = config.model_copy(update=config.lasting)
        lasting = without.model_dump(mode="json", include=set(config.lasting))
        atomic_write(path.with_name(LASTING_FILE), dump_yaml(lasting))
    atomic_write(path, dump_yaml(masked))


def mask_credentials(values: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return settings with masked credentials, and write these to their file.

    Args:
        values: Settings of a config, JSON values by key.
        folder: Existing folder of the config file.
    """
    masked = masked_settings(values)
    if secrets := _replaced(values, masked):
        atomic_write(folder / SECRETS_FILE, dump_yaml(secrets), private=True)
    return masked


def read_lasting(path: Path) -> dict[str, Any]:
    """Return the settings of a config that `--set` changed for its run alone, as they are without.

    Args:
        path: Path of a config file. Only that of a run has such settings.

    Returns:
        JSON values by the names in `ONE_RUN_KEYS`.

    Raises:
        UnavailableError: The file with the settings is unreadable or damaged.
    """
    file = path.with_name(LASTING_FILE)
    if path.name != CONFIG_FILE or not file.exists():
        return {}
    remedy = "Restore it from a backup, or give the config with --config FILE."
    content = read_state(file, "config", remedy)
    try:
        lasting = parse_yaml(content).value
    except YamlError as error:
        problem = f"line {error.line}: {error.problem}"
        raise damaged_file(file, "config", problem, remedy) from None
    if not isinstance(lasting, dict) or not lasting.keys() <= set(ONE_RUN_KEYS):
        raise damaged_file(file, "config", "it holds other keys", remedy)
    return lasting


def describe_dropped(path: Path, config: RunConfig) -> str:
    """Return which changes by `--set`, which held for the run of a config, hold no longer.

    Args:
        path: Path of `config.yaml` of the run.
        config: Config that was made from it.

    Returns:
        Text for people; "" if all hold.
    """
    stored, used = parse_yaml(path.read_bytes()).value, config.model_dump(mode="json")
    lasting = read_lasting(path)
    used = _flat({name: used[name] for name in lasting})
    stored = _flat({name: stored.get(name) for name in lasting})
    dropped = [
        f"{key} is {json.dumps(value)}, not {json.dumps(stored.get(key))}"
        for key, value in _flat(lasting).items()
        if used.get(key) == value != stored.get(key)
    ]
    if not dropped:
        return ""
    return (
        f"{', '.join(dropped)}: what --set changed held for run {path.parent.name} only. "
        "Give it again, or in a file with --config FILE, where it shall hold for this pass."
    )


def _flat(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of groups, and those outside of groups, by dotted key."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, dict):
            flat.update({f"{name}.{key}": one for key, one in value.items()})
        else:
            flat[name] = value
    return flat


def restore_secrets(settings: dict[str, Any], folder: Path) -> None:
    """Put credentials back into settings in which they are masked, if their file is there.

    Args:
        settings: Settings of a config file; changed in place.
        folder: Folder of the config file.

    Raises:
        InputError: The file with the credentials is unreadable.
    """
    path = folder / SECRETS_FILE
    if not holds_mask(settings):
        return
    try:
        secrets = parse_yaml(path.read_bytes()).value
    except FileNotFoundError:
        return
    except OSError as error:
        raise InputError(
            f"credentials {path}: {error.strerror}. Only the user who started the run can read "
            "them. Give another config with --config FILE."
        ) from None
    except YamlError as error:
        raise InputError(f"credentials {path}, line {error.line}: {error.problem}") from None
    if isinstance(secrets, dict):
        _restore(settings, secrets)


def check_no_mask(settings: dict[str, Any]) -> None:
    """Refuse settings with a masked credential: it would be used as if it were one.

    Raises:
        InputError: A value is masked.
    """
    for key in _masked_keys(settings, ()):
        name = ".".join(key)
        raise InputError(
            f"config key '{name}' is masked: {MASK}. Its value is in {SECRETS_FILE} in the folder "
            f"of the run. Give it again, for example with --set {name}=..."
        )


def _replaced(values: dict[str, Any], masked: dict[str, Any]) -> dict[str, Any]:
    """Return the values that are masked, in their groups."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            if inner := _replaced(value, masked[key]):
                found[key] = inner
        elif value != masked[key]:
            found[key] = value
    return found


def _restore(settings: dict[str, Any], secrets: dict[str, Any]) -> None:
    for key, value in secrets.items():
        current = settings.get(key)
        if isinstance(current, dict) and isinstance(value, dict):
            _restore(current, value)
        elif holds_mask(current):
            settings[key] = value


def _masked_keys(settings: Any, key: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if isinstance(settings, dict):
        for name, value in settings.items():
            yield from _masked_keys(value, (*key, str(name)))
    elif holds_mask(settings):
        yield key
