"""Presets of how much work goes into a model: `quality` in the config."""

from collections.abc import Mapping
from typing import Any, Literal, get_args

Quality = Literal["fast", "standard", "best"]

#: What each preset changes of the defaults. A key that the user gives wins over it.
PRESETS: dict[str, dict[str, Any]] = {
    "fast": {"fine_tuning": {"epochs": 4, "views": 2, "augmentation": "light"}},
    "standard": {},
    "best": {"fine_tuning": {"epochs": 20, "views": 8, "trainable_from": 0.2}},
}


def with_preset(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings on top of those of the preset that they name.

    Args:
        settings: as the user gave them, not validated yet.
    """
    quality = settings.get("quality", "standard")
    if quality not in get_args(Quality):
        return settings  # validation names the problem
    return _merged(PRESETS[quality], settings)


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Both, group by group; `over` wins."""
    merged = {**base, **over}
    for key, value in base.items():
        if isinstance(value, Mapping) and isinstance(merged[key], Mapping):
            merged[key] = _merged(value, merged[key])
    return merged
