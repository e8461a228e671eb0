"""The config file that a search writes: what the user has set, and what the search has changed."""

from pathlib import Path
from typing import Any

from pipeline.config.parsing.yaml_parser import dump_yaml, parse_yaml
from pipeline.config.run_config import RunConfig
from pipeline.config.stored_config import mask_credentials
from pipeline.terminal.shell_word import shell_word
from pipeline.tuning.search_table import describe_search, verdict
from trainer_module.contract.atomic_write import atomic_write
from trainer_module.tuning.search_result import SearchResult
from trainer_module.tuning.trial_values import Values, with_values


def tuned_config(config: RunConfig, changes: Values) -> RunConfig:
    """Return a config with the changes of a search.

    Args:
        config: Config as given.
        changes: New values by dotted key.
    """
    groups = {key.split(".")[0] for key in changes}
    changed = with_values(config, changes)
    return config.model_copy(update={group: getattr(changed, group) for group in groups})


def write_tuned_config(
    path: Path, tuned: RunConfig, given: RunConfig, result: SearchResult
) -> Path:
    """Write a config file for `carryover run --config`, with comments on what has changed.

    It has the keys whose values are not the defaults, as the user has set them, and the changes.

    Args:
        path: Path of the file, in an existing folder.
        tuned: Config with the changes.
        given: Config as given, with absolute paths.
        result: Result of the search.

    Returns:
        The path.
    """
    different = _different_settings(tuned)
    for key, value in result.changes.items():  # a change may be the default
        group, name = key.split(".")
        different.setdefault(group, {})[name] = value
    settings = mask_credentials(different, path.parent)
    lines = dump_yaml(settings).splitlines()
    numbers = parse_yaml("\n".join(lines)).lines
    before = given.model_dump(mode="json")
    for key in result.changes:
        group, name = key.split(".")
        lines[numbers[group, name] - 1] += f" # changed from {before[group][name]}"
    comments = [*describe_search(result), verdict(result), *_domain_lines(result)]
    comments += ["", f"carryover run --config {shell_word(path.name)}"]
    header = [f"# {text}".rstrip() for text in comments]
    return atomic_write(path, "\n".join([*header, "", *lines]) + "\n")


def _domain_lines(result: SearchResult) -> list[str]:
    """Return the accuracy in each domain before and after, if the search has found something."""
    if not result.best:
        return []
    before, after = result.default_trial.domain_accuracy, result.best_trial.domain_accuracy
    return [f"{name!a}: {before[name]:.3f} -> {after[name]:.3f}" for name in before]


def _different_settings(config: RunConfig) -> dict[str, Any]:
    """Return the settings that differ from the defaults of the preset, JSON values by key.

    What `--set` changed of gates held for the search alone.
    """
    lasting = config.model_copy(update=config.lasting)
    defaults = RunConfig.model_validate({"data": config.data, "quality": config.quality})
    settings = _difference(lasting.model_dump(mode="json"), defaults.model_dump(mode="json"))
    settings["data"] = config.data
    if config.quality != RunConfig.model_fields["quality"].default:
        settings["quality"] = config.quality
    return settings


def _difference(values: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    different: dict[str, Any] = {}
    for key, value in values.items():
        # The groups of the config have fixed keys; other dicts are values, and empty by default.
        if isinstance(value, dict) and defaults[key]:
            if inner := _difference(value, defaults[key]):
                different[key] = inner
        elif value != defaults[key]:
            different[key] = value
    return different
