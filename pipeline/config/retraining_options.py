"""Options of retraining, validated. The run configuration holds them as `retrain` and `notify`."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from trainer_module.contract.options_base import Options


class RetrainOptions(Options):
    """When a batch is trained on, and on what besides it."""

    inbox: Path | None = Field(None, description="folder in which batches arrive")
    quiet_seconds: float = Field(
        60.0, ge=0, description="a batch without _READY is complete after so long without a change"
    )
    poll_seconds: float = Field(
        30.0, gt=0, description="how often `carryover watch` looks where no event tells it to"
    )
    min_pictures: int = Field(
        20, ge=1, description="labelled pictures of a domain, below which nothing is trained"
    )
    good_enough: float = Field(
        0.95, ge=0, le=1, description="accuracy of the serving model at which nothing is trained"
    )
    assessed_per_domain: int = Field(
        400, ge=20, description="pictures of a domain that the serving model is asked about"
    )
    rehearsal_per_domain: int = Field(
        400, ge=1, description="training pictures of every domain so far that are trained on again"
    )
    window: int | Literal["all"] = Field(
        "all", description="last batches whose pictures are trained on again; the first data are"
    )
    new_share: float = Field(
        0.5, gt=0, lt=1, description="of the training that goes to new pictures, however few"
    )
    epochs: int = Field(3, ge=1, description="of fine-tuning, from the model that serves")
    views: int = Field(2, ge=1, description="variants of every picture")
    attempts: int = Field(3, ge=1, description="runs that may fail before a batch is given up")
    self_training: bool = Field(
        False, description="train on unlabelled pictures of which the serving model is sure"
    )
    self_training_confidence: float = Field(0.9, gt=0, le=1, description="how sure")


class NotifyOptions(Options):
    """Who is told of what happens."""

    command: tuple[str, ...] = Field(
        (), description="program and arguments; it gets the event as JSON on its standard input"
    )
