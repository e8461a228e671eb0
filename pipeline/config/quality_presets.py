"""Presets of the fine-tuning options, from fast to best: `quality` in the config."""

from collections.abc import Mapping
from typing import Any, Literal, get_args

Quality = Literal["fast", "standard", "best"]

#: Values of each preset that differ from the defaults. Keys that the user sets win.
PRESETS: dict[str, dict[str, Any]] = {
    "fast": {"fine_tuning": {"epochs": 3, "augmentation": "light"}},
    "standard": {},
    "best": {
        "fine_tuning": {
            "epochs": 20,
            "learning_rate": 6e-4,
            "views": 8,
            "trainable_from": 0.2,
        }
    },
}


def with_preset(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of the user, with the values of their preset filled in.

    Args:
        settings: Settings of the user, not validated.

    Example:
        >>> from pipeline.config.quality_presets import with_preset
        >>> with_preset({"quality": "fast", "fine_tuning": {"views": 5}})["fine_tuning"]
        {'epochs': 3, 'augmentation': 'light', 'views': 5}
    """
    quality = settings.get("quality", "standard")
    if quality not in get_args(Quality):
        return settings  # the validation reports it
    return _merged(PRESETS[quality], settings)


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Merge two mappings and their groups; `over` wins."""
    merged = {**base, **over}
    for key, value in base.items():
        if isinstance(value, Mapping) and isinstance(merged[key], Mapping):
            merged[key] = _merged(value, merged[key])
    return merged
