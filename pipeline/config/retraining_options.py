"""Options of retraining. The run configuration holds them as `retrain` and `notify`."""

import warnings
from typing import Any, Literal

from pydantic import Field, TypeAdapter, field_validator, model_validator

from pipeline.config.layout_pattern import AUTO, check_pattern
from trainer_module.contract.locations import expand_home, local_path
from trainer_module.contract.options_base import LocalPath, Options, Text
from trainer_module.training_options import Boundary

#: Keys that were renamed: old name -> name. Old names are still accepted.
RENAMED_KEYS = {"rehearsal_per_domain": "replay_per_domain"}

#: Key that `unlabelled` has replaced, as it has `self_training_confidence`.
SELF_TRAINING = "self_training"

#: Largest share of the blocks that stay frozen in a retraining, unless `trainable_from` is set: a
#: new domain may differ from low blocks on.
MAX_FROZEN_SHARE = 0.35

#: Largest rate of the head in a retraining, unless `learning_rate` is set: the weights are good.
MAX_LEARNING_RATE = 6e-4

#: Largest number of pictures, batches or attempts.
MAX_COUNT = 1_000_000_000


class RetrainOptions(Options):
    """Which batches are trained on, and how."""

    inbox: LocalPath | None = Field(None, description="folder in which batches arrive")
    allowed_roots: tuple[Text, ...] = Field(
        (), description="folders and URI prefixes, besides the inbox, whose files batches may name"
    )
    layout: Text = Field(AUTO, description="layout of batches that are folders; auto recognises it")
    quiet_seconds: float = Field(
        60.0,
        ge=0,
        le=31_536_000,
        description="seconds without a change after which a batch without _READY is complete",
    )
    poll_seconds: float = Field(
        30.0,
        ge=0.1,
        le=31_536_000,
        description="seconds between passes of `carryover watch` without a file event",
    )
    min_pictures: int = Field(
        20,
        ge=1,
        le=MAX_COUNT,
        description="labelled pictures that a domain needs before it is trained on",
    )
    good_enough: float = Field(
        0.95, ge=0, le=1, description="accuracy of the serving model that needs no retraining"
    )
    assessed_per_domain: int = Field(
        400,
        ge=20,
        le=MAX_COUNT,
        description="pictures of a domain that the serving model classifies, at most",
    )
    replay_per_domain: int = Field(
        400,
        ge=1,
        le=MAX_COUNT,
        description="training pictures of every known domain that are replayed",
    )
    window: int | Literal["all"] = Field(
        "all",
        description="number of latest pushed batches to replay; the first data set always is",
    )
    new_share: float = Field(
        0.5, gt=0, lt=1, description="share of the training on new pictures, however few they are"
    )
    epochs: int = Field(
        6, ge=1, le=100_000, description="epochs of fine-tuning from the serving model"
    )
    learning_rate: float | None = Field(
        None,
        gt=0,
        le=10,
        description=f"rate of the head; null: that of `fine_tuning`, at most {MAX_LEARNING_RATE}",
    )
    trainable_from: Boundary | None = Field(
        None,
        description="as in `fine_tuning`; null: the share of `fine_tuning`, at most "
        f"{MAX_FROZEN_SHARE}",
    )
    views: int = Field(
        2, ge=1, le=1000, description="views of every picture; 1 is the picture alone"
    )
    attempts: int = Field(
        3, ge=1, le=MAX_COUNT, description="failed runs after which a batch is given up"
    )
    unlabelled: Literal["auto", "off", "always"] = Field(
        "auto",
        description="whether unlabelled pictures are trained on; always: they start a retraining",
    )
    unverified: Literal["hold", "push"] = Field(
        "hold",
        description="candidate for a new domain without any label: hold it until labels decide, or "
        "push it where the known domains pass",
    )

    @field_validator("allowed_roots")
    @classmethod
    def _are_roots(cls, roots: tuple[str, ...]) -> tuple[str, ...]:
        paths = tuple(expand_home(local_path(root)) for root in roots)
        for path in paths:
            if path.lower().startswith("file:"):
                raise ValueError(f"{path} is not a folder of this machine. Write it as a path")
        return paths

    @field_validator("layout")
    @classmethod
    def _is_layout(cls, layout: str) -> str:
        return check_pattern(layout)

    @field_validator("window")
    @classmethod
    def _is_not_negative(cls, window: int | str) -> int | str:
        if isinstance(window, int) and not 0 <= window <= MAX_COUNT:
            raise ValueError(f"must be all, or from 0 to {MAX_COUNT}")
        return window

    def head_rate(self, of_runs: float) -> float:
        """Return the learning rate of the head.

        Args:
            of_runs: `fine_tuning.learning_rate`.
        """
        return self.learning_rate or min(of_runs, MAX_LEARNING_RATE)

    def boundary(self, of_runs: Boundary) -> Boundary:
        """Return the share of the blocks that stay frozen, or the name of the last frozen block.

        Args:
            of_runs: `fine_tuning.trainable_from`. A name is used as it is.
        """
        if self.trainable_from is not None:
            return self.trainable_from
        return of_runs if isinstance(of_runs, str) else min(of_runs, MAX_FROZEN_SHARE)

    @model_validator(mode="before")
    @classmethod
    def _accept_old_keys(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        for old, new in RENAMED_KEYS.items():
            if old in values and new in values:
                raise ValueError(f"{old} is the old name of {new}. Give only {new}")
        given: dict[str, Any] = values
        renamed = {RENAMED_KEYS.get(key, key): value for key, value in given.items()}
        return _replace_self_training(renamed)


def _replace_self_training(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values of `retrain` without the keys that `unlabelled` has replaced.

    `self_training: false` was the default, and stands in the config of every run of before. It is
    the default now, too.
    """
    self_training = values.pop(SELF_TRAINING, None)
    values.pop(f"{SELF_TRAINING}_confidence", None)
    if self_training is None:
        return values
    is_on = TypeAdapter(bool).validate_python(self_training)
    if "unlabelled" in values and (is_on or values["unlabelled"] == "always"):
        raise ValueError(f"{SELF_TRAINING} was replaced by unlabelled. Give only unlabelled")
    if not is_on:
        return values
    warnings.warn(
        f"retrain.{SELF_TRAINING} was replaced: write retrain.unlabelled=always.",
        FutureWarning,
        stacklevel=2,
    )
    return values | {"unlabelled": "always"}


def other_name(key: str) -> str | None:
    """Return the old name of a key in `retrain`, or the name for an old name; None for others."""
    other_names = RENAMED_KEYS | {new: old for old, new in RENAMED_KEYS.items()}
    other_names |= {"unlabelled": SELF_TRAINING}  # not the reverse: the old key says less
    return other_names.get(key)


class NotifyOptions(Options):
    """Who is notified of events."""

    command: tuple[Text, ...] = Field(
        (), description="program and arguments; it gets the event as JSON on its standard input"
    )
