"""Options that a search tries, and their bounds."""

from collections.abc import Sequence
from typing import Any

import keras_tuner

from trainer_module.training_options import TrainingOptions
from trainer_module.tuning.trial_values import Value

#: Bounds of the learning rates.
FROZEN_RATES, FINE_TUNING_RATES = (5e-4, 2e-2), (1e-4, 3e-3)

#: Shares of the blocks that stay frozen. Below 0.2 a training takes several times as long.
BOUNDARIES = (0.2, 0.35, 0.5, 0.65)

AUGMENTATIONS = ("light", "medium", "strong")
WEIGHT_DECAYS = (1e-5, 1e-4, 1e-3, 1e-2)
LABEL_SMOOTHINGS = (0.0, 0.05, 0.1, 0.2)

#: Shares of the configured number of epochs, and differences from the configured number of views.
EPOCH_SHARES, MORE_VIEWS = (0.5, 1.5), (-1, 2)

#: Objectives; the last two compare domains.
OBJECTIVES = ("erm", "balanced", "group_dro", "coral")


def search_space(
    options: TrainingOptions, blocks: Sequence[str], domains: int
) -> keras_tuner.HyperParameters:
    """Return the options to search. The default of each is its value in the config.

    Without a fine-tuning stage, only the options of the frozen stage are searched.

    Args:
        options: Options as configured.
        blocks: Names of the backbone's blocks, from input to output.
        domains: Number of domains in the train split.
    """
    space = _Space(options)
    space.rate("frozen.learning_rate", *FROZEN_RATES)
    space.choice("objective.name", OBJECTIVES if domains > 1 else OBJECTIVES[:2])
    tuning = options.fine_tuning
    if not tuning.epochs:
        return space.parameters
    space.rate("fine_tuning.learning_rate", *FINE_TUNING_RATES)
    space.choice("fine_tuning.trainable_from", _boundaries(tuning.trainable_from, blocks))
    space.choice("fine_tuning.augmentation", AUGMENTATIONS)
    space.choice("fine_tuning.weight_decay", WEIGHT_DECAYS)
    space.choice("fine_tuning.label_smoothing", LABEL_SMOOTHINGS)
    epochs = [max(1, round(tuning.epochs * share)) for share in EPOCH_SHARES]
    space.choice("fine_tuning.epochs", epochs)
    # The picture alone is a choice only if it is configured: augmentation has no effect on it.
    views = [max(2, tuning.views + more) for more in MORE_VIEWS]
    space.choice("fine_tuning.views", views)
    return space.parameters


class _Space:
    """Hyperparameters whose defaults are the values in the config."""

    def __init__(self, options: TrainingOptions) -> None:
        self.parameters = keras_tuner.HyperParameters()
        self._options = options.model_dump()

    def rate(self, key: str, low: float, high: float) -> None:
        """Add a learning rate on a logarithmic scale; the configured value is within its bounds."""
        own = self._configured(key)
        self.parameters.Float(key, min(low, own), max(high, own), sampling="log", default=own)

    def choice(self, key: str, values: Sequence[Value]) -> None:
        """Add a choice between the configured value and others, numbers in their order."""
        own = self._configured(key)
        allowed = [own, *(value for value in dict.fromkeys(values) if value != own)]
        if not isinstance(own, str):
            allowed.sort()
        self.parameters.Choice(key, allowed, default=own)

    def _configured(self, key: str) -> Any:
        group, name = key.split(".")
        return self._options[group][name]


def _boundaries(configured: float | str, blocks: Sequence[str]) -> list[Value]:
    """Return other boundaries, in the form of the configured one: shares or names of blocks."""
    last = len(blocks) - 1
    names = {share: blocks[min(int(len(blocks) * share), last)] for share in BOUNDARIES}
    if isinstance(configured, str):
        return list(dict.fromkeys(names.values()))
    # Two shares of a backbone with few blocks may be the same boundary.
    own = blocks[min(int(len(blocks) * configured), last)]
    shares = {name: share for share, name in names.items() if name != own}
    return list(shares.values())
