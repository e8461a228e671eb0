"""The config of a run: validated, immutable, with a default for every key but `data`."""

import difflib
import re
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PrivateAttr, ValidationError, field_validator, model_validator

from components.data_gate.validation_options import ValidationOptions
from components.evaluation.gate.gate_options import GateOptions
from components.evaluation.gate.slice_names import SliceNames, slice_columns
from pipeline.config.beam_options import BeamOptions
from pipeline.config.kubeflow_options import KubeflowOptions
from pipeline.config.layout_pattern import AUTO, check_pattern
from pipeline.config.publish_options import PublishOptions
from pipeline.config.quality_presets import Quality, with_preset
from pipeline.config.retention_options import RetentionOptions
from pipeline.config.retraining_options import NotifyOptions, RetrainOptions
from pipeline.config.serving_options import ServingOptions
from trainer_module.backbones import default_image_size
from trainer_module.backbones.backbone_registry import MIN_IMAGE_SIZE
from trainer_module.contract.errors import InputError
from trainer_module.contract.locations import expand_home, is_uri, local_path
from trainer_module.contract.options_base import LocalPath, Options, Text
from trainer_module.data.picture_storage import Storage, choose_storage
from trainer_module.training_options import BackboneOptions, ServeOptions, TrainingOptions

#: Names that a model, and its folder in `serving`, may have.
MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class SplitOptions(Options):
    """How pictures are assigned to the splits train, eval and test."""

    eval: float = Field(
        0.15, gt=0, lt=1, description="share of pictures for the choices of the trainer"
    )
    test: float = Field(0.15, gt=0, lt=1, description="share of pictures for the Evaluator only")
    group_by: Literal["content", "stem"] = Field(
        "content", description="pictures that share a split: copies, or files of one name"
    )
    cross_fit_below: int = Field(
        30,
        ge=0,
        le=1_000_000,
        description="test pictures below which a retraining cross-fits a domain; 0: never",
    )

    @model_validator(mode="after")
    def _leaves_something_to_train_on(self) -> "SplitOptions":
        if self.eval + self.test >= 1:
            raise ValueError("split.eval + split.test must be below 1")
        return self


class RunConfig(TrainingOptions):
    """Everything that a run depends on, except the pictures and the code."""

    name: str = Field("carryover", description="name of the model")
    data: Text = Field(description="folder with <domain>/<class>/<picture>, or a manifest")
    layout: Text = Field(
        AUTO, description="layout of the folder, such as split/domain/class; auto recognises it"
    )
    domain: Text | None = Field(
        None, description="domain of all pictures, where no folder names the domain"
    )
    workspace: LocalPath = Field(
        Path("workspace"), description="folder for everything that runs write"
    )
    check_disk: bool = Field(
        True,
        description="refuse a run whose disk is too small by the estimate; `--set` holds for one "
        "run",
    )
    max_file_bytes: int = Field(
        100_000_000,
        ge=1,
        description="size above which the file of a picture is rejected, in bytes",
    )
    raw_limit: int = Field(
        1024,
        ge=0,
        le=2**30,
        description="MiB of resized pictures that are stored uncompressed; above it, as JPEG",
    )
    cache_disk: int = Field(
        512,
        ge=0,
        le=2**30,
        description="MiB of disk for activations that later retrainings reuse",
    )
    quality: Quality = Field("standard", description="preset of values for `fine_tuning`")
    split: SplitOptions = SplitOptions()
    slices: tuple[SliceNames, ...] = Field(
        (),
        description="columns of the manifest or of sidecar.csv whose values are evaluated by "
        "themselves; a list of names crosses them, such as [domain, scanner]",
    )
    validation: ValidationOptions = ValidationOptions()
    gate: GateOptions = GateOptions()
    beam: BeamOptions = BeamOptions()
    retrain: RetrainOptions = RetrainOptions()
    notify: NotifyOptions = NotifyOptions()
    publish: PublishOptions = PublishOptions()
    retention: RetentionOptions = RetentionOptions()
    kubeflow: KubeflowOptions = KubeflowOptions()
    serve: ServingOptions = ServingOptions()
    _lasting: dict[str, Any] = PrivateAttr({})

    @model_validator(mode="before")
    @classmethod
    def _with_defaults(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Fill in the values of the preset, and the default image size of the backbone."""
        values = with_preset(values)
        if values.get("image_size") is None:
            return {**values, "image_size": _own_image_size(values.get("backbone") or {})}
        return values

    @field_validator("name")
    @classmethod
    def _names_a_folder(cls, name: str) -> str:
        if not MODEL_NAME.fullmatch(name):
            raise ValueError(
                "must be 1 to 64 letters (a to z), digits, '_', '.' or '-', beginning with a "
                "letter or a digit"
            )
        return name

    @field_validator("slices")
    @classmethod
    def _are_different(cls, slices: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], ...]:
        return tuple(dict.fromkeys(slices))

    @model_validator(mode="after")
    def _gates_known_slices(self) -> "RunConfig":
        for names in self.gate.slices:
            if names not in self.slices:
                known = [", ".join(one) for one in self.slices]
                close = difflib.get_close_matches(", ".join(names), known, n=1)
                advice = f"Did you mean {close[0]}?" if close else "Add it to slices"
                raise ValueError(
                    f"gate.slices names {', '.join(names)}, which is not in slices. {advice}"
                )
        return self

    @field_validator("layout")
    @classmethod
    def _is_layout(cls, layout: str) -> str:
        return check_pattern(layout)

    @field_validator("data", mode="before")
    @classmethod
    def _is_text(cls, data: Any) -> Any:
        if not isinstance(data, str | Path):
            return data
        return expand_home(local_path(str(data)))

    @property
    def lasting(self) -> dict[str, Any]:
        """Values that `--set` changed for one run alone, as they are without it, by key."""
        return self._lasting

    def with_lasting(self, values: dict[str, Any]) -> "RunConfig":
        """Return a copy with other `lasting` values."""
        copy = self.model_copy()
        copy._lasting = values
        return copy

    @property
    def slice_columns(self) -> tuple[str, ...]:
        """Columns of a manifest or a sidecar that `slices` needs."""
        return slice_columns(self.slices)

    def resolved(self) -> "RunConfig":
        """Return a copy with absolute paths."""
        data = self.data if is_uri(self.data) else str(Path(self.data).resolve())
        inbox = self.retrain.inbox
        roots = [
            root if is_uri(root) else str(Path(root).absolute())
            for root in self.retrain.allowed_roots
        ]
        update = {"inbox": inbox and inbox.resolve(), "allowed_roots": tuple(roots)}
        retrain = self.retrain.model_copy(update=update)
        bundles = self.publish.bundles and self.publish.bundles.resolve()
        publish = self.publish.model_copy(update={"bundles": bundles})
        paths = {"data": data, "workspace": self.workspace.resolve()}
        return self.model_copy(update={**paths, "retrain": retrain, "publish": publish})

    def for_retraining(self) -> "RunConfig":
        """Return a copy for a retraining, which starts from the serving model.

        Fine-tuning has a lower rate, because the weights are good already, and changes more blocks.
        Styles are not mixed: the new domain has one of its own, which is to be learnt. Every domain
        gets the same total weight, however few pictures the new one has.
        """
        tuning = {
            "epochs": self.retrain.epochs,
            "views": self.retrain.views,
            "learning_rate": self.retrain.head_rate(self.fine_tuning.learning_rate),
            "trainable_from": self.retrain.boundary(self.fine_tuning.trainable_from),
            "mix_styles": 0.0,
        }
        balance = "domain" if self.balance == "none" else self.balance
        return self.model_copy(
            update={
                "fine_tuning": self.fine_tuning.model_copy(update=tuning),
                "balance": balance,
                "warm_start": True,
            }
        )

    def storage(self, num_pictures: int) -> Storage:
        """Return how so many resized pictures are stored, see `picture_encoding`."""
        return choose_storage(num_pictures, self.image_size, self.raw_limit * 2**20)

    def training(self) -> dict[str, Any]:
        """Return the options of the trainer as JSON values.

        When a version serves is no matter of the trainer: no component is computed again for it.
        """
        included: dict[str, Any] = dict.fromkeys(TrainingOptions.model_fields, True)
        included["serve"] = set(ServeOptions.model_fields)
        return self.model_dump(mode="json", include=included)


def _own_image_size(backbone: Any) -> int:
    """Return the image size that a backbone was trained at.

    Invalid options are reported when they are validated: their size does not matter.

    Args:
        backbone: Options of the backbone, not validated.

    Raises:
        ValueError: It is not known, because the files of the backbone do not tell.
    """
    try:
        options = BackboneOptions.model_validate(backbone)
    except ValidationError:
        return MIN_IMAGE_SIZE
    try:
        return default_image_size(options.name, options.scaling)
    except InputError as error:
        if not options.download:
            raise
        raise ValueError(
            f"image_size must be given: the size of {options.name} is not known before it is "
            f"downloaded ({error})"
        ) from None
