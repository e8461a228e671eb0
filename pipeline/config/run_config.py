"""The config of a run: validated, immutable, with a default for every key but `data`."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from components.data_gate.validation_options import ValidationOptions
from components.evaluation.gate_options import GateOptions
from pipeline.config.beam_options import BeamOptions
from pipeline.config.kubeflow_options import KubeflowOptions
from pipeline.config.quality_presets import Quality, with_preset
from pipeline.config.retraining_options import NotifyOptions, RetrainOptions
from trainer_module.backbones import backbone_names, default_image_size
from trainer_module.contract.locations import is_uri
from trainer_module.contract.options_base import Options
from trainer_module.training_options import (
    MIN_IMAGE_SIZE,
    BackboneOptions,
    TrainingOptions,
)


class SplitOptions(Options):
    """How pictures are assigned to the splits train, eval and test."""

    eval: float = Field(
        0.15, gt=0, lt=1, description="share of pictures for the choices of the trainer"
    )
    test: float = Field(0.15, gt=0, lt=1, description="share of pictures for the Evaluator only")
    group_by: Literal["content", "stem"] = Field(
        "content", description="pictures that share a split: copies, or files of one name"
    )

    @model_validator(mode="after")
    def _leaves_something_to_train_on(self) -> "SplitOptions":
        if self.eval + self.test >= 1:
            raise ValueError("split.eval + split.test must be below 1")
        return self


class RunConfig(TrainingOptions):
    """Everything that a run depends on, except the pictures and the code."""

    name: str = Field(
        "carryover", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$", description="name of the model"
    )
    data: str = Field(description="folder with <domain>/<class>/<picture>, or a manifest")
    workspace: Path = Field(Path("workspace"), description="folder for everything that runs write")
    quality: Quality = Field("standard", description="preset of values for `fine_tuning`")
    split: SplitOptions = SplitOptions()
    validation: ValidationOptions = ValidationOptions()
    gate: GateOptions = GateOptions()
    beam: BeamOptions = BeamOptions()
    retrain: RetrainOptions = RetrainOptions()
    notify: NotifyOptions = NotifyOptions()
    kubeflow: KubeflowOptions = KubeflowOptions()

    @model_validator(mode="before")
    @classmethod
    def _with_defaults(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Fill in the values of the preset, and the default image size of the backbone."""
        values = with_preset(values)
        backbone = values.get("backbone") or {}
        if values.get("image_size") is None:
            default = BackboneOptions().name
            name = backbone.get("name", default) if isinstance(backbone, dict) else default
            # An unknown backbone is reported when its own options are validated.
            known = isinstance(name, str) and name in backbone_names()
            return {**values, "image_size": default_image_size(name) if known else MIN_IMAGE_SIZE}
        return values

    @field_validator("data", mode="before")
    @classmethod
    def _is_text(cls, data: Any) -> Any:
        return str(data) if isinstance(data, Path) else data

    def resolved(self) -> "RunConfig":
        """Return a copy with absolute paths."""
        data = self.data if is_uri(self.data) else str(Path(self.data).resolve())
        return self.model_copy(update={"data": data, "workspace": self.workspace.resolve()})

    def for_retraining(self) -> "RunConfig":
        """Return a copy for a retraining, which starts from the serving model.

        Fine-tuning has fewer epochs, because the weights are good already. Every domain gets the
        same total weight, however few pictures the new one has.
        """
        tuning = {"epochs": self.retrain.epochs, "views": self.retrain.views}
        balance = "domain" if self.balance == "none" else self.balance
        return self.model_copy(
            update={
                "fine_tuning": self.fine_tuning.model_copy(update=tuning),
                "balance": balance,
                "warm_start": True,
            }
        )

    def training(self) -> dict[str, Any]:
        """Return the options of the trainer as JSON values."""
        return self.model_dump(mode="json", include=set(TrainingOptions.model_fields))
