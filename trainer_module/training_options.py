"""Options of the trainer, validated. The run configuration is built from them."""

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from trainer_module.backbones import backbone_names
from trainer_module.contract.options_base import Options
from trainer_module.stages.scoring import Criterion

#: Backbones halve a picture five times: less would leave nothing.
MIN_IMAGE_SIZE = 32

#: Weights that are no path.
NAMED_WEIGHTS = ("imagenet", "none")

Preset = Literal["none", "light", "medium", "strong"]


class BackboneOptions(Options):
    """Which pretrained network, and from where its weights come."""

    name: str = Field("efficientnet_lite0", description="efficientnet_lite0..2 or a Keras name")
    weights: str = Field("imagenet", description="`imagenet`, `none`, or a path")

    @field_validator("name")
    @classmethod
    def _is_known(cls, name: str) -> str:
        if name not in backbone_names():
            raise ValueError(f"must be one of {', '.join(backbone_names())}")
        return name

    @field_validator("weights")
    @classmethod
    def _is_absolute(cls, weights: str) -> str:
        return weights if weights in NAMED_WEIGHTS else str(Path(weights).expanduser().absolute())


class FrozenOptions(Options):
    """Stage 1: a new head on features of the frozen backbone."""

    epochs: int = Field(60, ge=1, description="at most; early stopping usually ends it sooner")
    batch_size: int = Field(256, ge=1)
    learning_rate: float = Field(2e-3, gt=0)
    patience: int = Field(6, ge=1, description="epochs without improvement before it stops")


class FineTuningOptions(Options):
    """Stage 2: careful training of the upper part of the backbone."""

    epochs: int = Field(8, ge=0, description="0 leaves the stage out")
    batch_size: int = Field(32, ge=1)
    learning_rate: float = Field(6e-4, gt=0, description="of the head; lower blocks get less")
    rate_decay: float = Field(0.9, gt=0, le=1, description="factor on the rate per block down")
    warmup: float = Field(0.1, ge=0, lt=1, description="share of the steps")
    weight_decay: float = Field(1e-4, ge=0)
    label_smoothing: float = Field(0.1, ge=0, lt=1)
    trainable_from: float | str = Field(
        0.5, description="share of the blocks that stay frozen, or the name of the last one"
    )
    augmentation: Preset = Field("medium", description="how far views are from their picture")
    views: int = Field(3, ge=1, description="variants of each training picture, 1 is none")
    averaging: float = Field(
        0.3,
        ge=0,
        le=1,
        description="share of the epochs, the last ones, of which the mean is taken",
    )

    @field_validator("trainable_from")
    @classmethod
    def _is_a_share(cls, value: float | str) -> float | str:
        if isinstance(value, float) and not 0 <= value <= 1:
            raise ValueError("must be a share between 0 and 1, or the name of a block")
        return value


class ObjectiveOptions(Options):
    """What training minimises where pictures come from several domains."""

    name: Literal["erm", "balanced", "group_dro", "coral"] = "erm"
    group_dro_step: float = Field(0.01, gt=0, description="how fast the worst domain gains weight")
    coral_weight: float = Field(1.0, gt=0, description="of the distance between domains")


class TrainingOptions(Options):
    """Everything `trainer_module.training.run_fn` is told."""

    image_size: int = Field(ge=MIN_IMAGE_SIZE, le=2048, description="side, in pixels")
    seed: int = 17
    warm_start: bool = Field(True, description="start from the model that serves, if it fits")
    precision: Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"] = "auto"
    cache_memory: int | None = Field(
        None,
        ge=0,
        description="MiB for features, the rest on disk; null is a quarter of what is free",
    )
    criterion: Criterion = Field("mean_domain", description="of every choice, on the eval split")
    balance: Literal["none", "class", "domain"] = Field(
        "none", description="what weighs the same in total, however many pictures it has"
    )
    objective: ObjectiveOptions = ObjectiveOptions()
    backbone: BackboneOptions = BackboneOptions()
    frozen: FrozenOptions = FrozenOptions()
    fine_tuning: FineTuningOptions = FineTuningOptions()
