"""Validated options of the trainer, from which the run configuration is built."""

import contextlib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from trainer_module.backbones import backbone_names, is_backbone_name, min_image_size
from trainer_module.backbones.backbone_registry import MIN_IMAGE_SIZE
from trainer_module.backbones.saved_network import absolute_name
from trainer_module.contract.locations import expand_home, is_uri
from trainer_module.contract.options_base import Options, Text

#: Largest seed that Keras, NumPy and tf.data all accept, with room for those of a crossval.
MAX_SEED = 2**31 - 1

#: Values of `backbone.weights` that are not paths.
NAMED_WEIGHTS = ("imagenet", "none")

#: Accuracy by which classifiers are compared on the eval split, see `stages.scoring.Score`.
Criterion = Literal["mean_domain", "worst_domain", "overall"]

#: Strength of the augmentation, see `data.augmentation.STRENGTHS`.
Preset = Literal["none", "light", "medium", "strong"]


#: Value of `trainable_from` that means the same as 0.
ALL_BLOCKS = "all"


def _check_boundary(value: float | str) -> float | str:
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            value = float(value)  # "0.5" in quotes: no block is named by a number
    if value == ALL_BLOCKS:
        return 0.0
    is_share = isinstance(value, float) and 0 <= value <= 1
    if not is_share and not (isinstance(value, str) and value.strip()):
        raise ValueError("must be a share between 0 and 1, `all`, or the name of a block")
    return value


#: Share of the blocks that stay frozen, from 0 to 1, or the name of the last frozen block. `all`
#: trains all blocks, as 0 does.
Boundary = Annotated[float | str, AfterValidator(_check_boundary)]


class BackboneOptions(Options):
    """Pretrained network, and the source of its weights."""

    name: Text = Field(
        "efficientnet_lite0",
        description="efficientnet_lite0..2, a Keras name, `hub:PRESET` or `keras:FILE`",
    )
    weights: Text = Field(
        "imagenet", description="`imagenet` (or those in the files), `none` or a path"
    )
    scaling: Literal["auto", "none", "unit", "tf", "torch", "caffe"] = Field(
        "auto", description="scaling of the input of `hub:` and `keras:`; auto: their own"
    )
    download: bool = Field(False, description="whether a preset of `hub:` may be downloaded")

    @field_validator("name")
    @classmethod
    def _is_known(cls, name: str) -> str:
        if not is_backbone_name(name):
            raise ValueError(
                f"must be hub:PRESET, keras:FILE or one of {', '.join(backbone_names())}"
            )
        return absolute_name(name, Path.cwd())

    @field_validator("weights")
    @classmethod
    def _is_absolute(cls, weights: str) -> str:
        if is_uri(weights):
            raise ValueError("must be imagenet, none, or the path of a local file")
        return weights if weights in NAMED_WEIGHTS else str(Path(expand_home(weights)).absolute())


class FrozenOptions(Options):
    """Frozen stage: a new head on the embeddings of the frozen backbone."""

    epochs: int = Field(
        60, ge=1, le=100_000, description="largest number; training usually stops earlier"
    )
    batch_size: int = Field(256, ge=1, le=65_536)
    learning_rate: float = Field(2e-3, gt=0, le=10)
    patience: int = Field(
        6, ge=1, le=100_000, description="epochs without improvement before training stops"
    )


class FineTuningOptions(Options):
    """Fine-tuning stage: training of the blocks above the boundary."""

    epochs: int = Field(5, ge=0, le=100_000, description="number of epochs; 0 skips the stage")
    batch_size: int = Field(32, ge=1, le=4096)
    learning_rate: float = Field(
        1.2e-3, gt=0, le=10, description="rate of the head; lower blocks get less"
    )
    rate_decay: float = Field(0.9, gt=0, le=1, description="factor on the rate per lower block")
    warmup: float = Field(0.1, ge=0, lt=1, description="share of the steps in which the rate rises")
    weight_decay: float = Field(1e-4, ge=0, le=10)
    label_smoothing: float = Field(0.1, ge=0, lt=1)
    trainable_from: Boundary = Field(
        0.5,
        description="share of the blocks that stay frozen, or name of the last frozen block; "
        "0 or all: none stays frozen",
    )
    augmentation: Preset = Field("medium", description="strength of the random views")
    views: int = Field(
        2, ge=1, le=1000, description="views per training picture; 1 is the picture alone"
    )
    mix_styles: float = Field(
        0.0,
        ge=0,
        le=1,
        description="share of the batches in which the styles of pictures are mixed; 0: none",
    )
    averaging: float = Field(
        0.3,
        ge=0,
        le=1,
        description="share of the epochs, from the last one back, whose weights are averaged",
    )


class ObjectiveOptions(Options):
    """Objective that training minimises on pictures from several domains."""

    name: Literal["erm", "balanced", "group_dro", "coral"] = "erm"
    group_dro_step: float = Field(
        0.01, gt=0, le=100, description="step size of the domains' shares"
    )
    coral_weight: float = Field(
        1.0, gt=0, le=1e6, description="weight of the distance between domains"
    )


class ServeOptions(Options):
    """What the exported model says about its own predictions."""

    accepted_accuracy: float = Field(
        0.95,
        ge=0,
        lt=1,
        description="share of the accepted predictions that is correct in every known domain",
    )


class TrainingOptions(Options):
    """Options of `trainer_module.training.run_fn`."""

    image_size: int = Field(ge=MIN_IMAGE_SIZE, le=2048, description="side in pixels")
    seed: int = Field(17, ge=0, le=MAX_SEED)
    warm_start: bool = Field(True, description="start from the serving model, if it fits")
    precision: Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"] = "auto"
    cache_memory: int | None = Field(
        None,
        ge=0,
        le=2**30,
        description="MiB for activations, the rest is on disk; null: a quarter of the available",
    )
    criterion: Criterion = Field("mean_domain", description="accuracy that every choice compares")
    balance: Literal["none", "class", "domain"] = Field(
        "none", description="groups that get the same total weight, whatever their size"
    )
    objective: ObjectiveOptions = ObjectiveOptions()
    backbone: BackboneOptions = BackboneOptions()
    frozen: FrozenOptions = FrozenOptions()
    fine_tuning: FineTuningOptions = FineTuningOptions()
    serve: ServeOptions = ServeOptions()

    @model_validator(mode="after")
    def _fits_backbone(self) -> "TrainingOptions":
        smallest = min_image_size(self.backbone.name)
        if self.image_size < smallest:
            raise ValueError(
                f"image_size {self.image_size} is below {smallest}, the smallest that the backbone "
                f"{self.backbone.name} can process"
            )
        return self
