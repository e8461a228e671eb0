"""One validated, frozen configuration of a run: YAML file plus `--set key=value`."""

import difflib
import json
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from components.data_gate.options import ValidationOptions
from components.image_example_gen.locations import is_uri
from pipeline.beam_options import BeamOptions
from pipeline.kubeflow.options import KubeflowOptions
from pipeline.quality import Quality, with_preset
from pipeline.retraining.options import NotifyOptions, RetrainOptions
from trainer_module.backbones import backbone_names, default_image_size
from trainer_module.errors import InputError
from trainer_module.options import (
    MIN_IMAGE_SIZE,
    NAMED_WEIGHTS,
    BackboneOptions,
    TrainingOptions,
)
from trainer_module.validated import Options

#: Keys that hold paths, `data` also a URI; in a file they are relative to that file's folder.
PATH_KEYS = ("data", "workspace")


class SplitOptions(Options):
    """Which share of the pictures is kept from training, and what stays together."""

    eval: float = Field(0.15, gt=0, lt=1, description="for every choice that the trainer makes")
    test: float = Field(0.15, gt=0, lt=1, description="for the Evaluator alone")
    group_by: Literal["content", "stem"] = Field(
        "content", description="what must not straddle splits: copies, or files of one name"
    )

    @model_validator(mode="after")
    def _leaves_something_to_train_on(self) -> "SplitOptions":
        if self.eval + self.test >= 1:
            raise ValueError("split.eval + split.test must be below 1")
        return self


class GateOptions(Options):
    """When a model is good enough to serve, for every domain by itself."""

    min_accuracy: float = Field(0.5, ge=0, le=1, description="floor for every domain")
    max_drop: float = Field(
        0.02, ge=0, le=1, description="most accuracy that a domain may lose against what serves"
    )
    confidence: float = Field(
        0.9, gt=0, lt=1, description="that a loss is real, and no chance of few test pictures"
    )


class RunConfig(TrainingOptions):
    """Everything that a run depends on, beside the pictures and the code."""

    name: str = Field(
        "carryover", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$", description="of the model"
    )
    data: str = Field(description="folder with <domain>/<class>/<picture>, or a manifest")
    workspace: Path = Field(Path("workspace"), description="everything a run writes is in here")
    quality: Quality = Field("standard", description="how much work goes into the model")
    split: SplitOptions = SplitOptions()
    validation: ValidationOptions = ValidationOptions()
    gate: GateOptions = GateOptions()
    beam: BeamOptions = BeamOptions()
    retrain: RetrainOptions = RetrainOptions()
    notify: NotifyOptions = NotifyOptions()
    kubeflow: KubeflowOptions = KubeflowOptions()

    @model_validator(mode="before")
    @classmethod
    def _filled_in(cls, values: dict[str, Any]) -> dict[str, Any]:
        """What follows from other keys: the preset's values, and the backbone's own size."""
        values = with_preset(values)
        backbone = values.get("backbone") or {}
        if values.get("image_size") is None:
            default = BackboneOptions().name
            name = backbone.get("name", default) if isinstance(backbone, dict) else default
            # The backbone's own check names the problem where there is no such name.
            known = isinstance(name, str) and name in backbone_names()
            return {**values, "image_size": default_image_size(name) if known else MIN_IMAGE_SIZE}
        return values

    @field_validator("data", mode="before")
    @classmethod
    def _is_text(cls, data: Any) -> Any:
        return str(data) if isinstance(data, Path) else data

    def resolved(self) -> "RunConfig":
        """The same with absolute paths."""
        data = self.data if is_uri(self.data) else str(Path(self.data).resolve())
        return self.model_copy(update={"data": data, "workspace": self.workspace.resolve()})

    def for_retraining(self) -> "RunConfig":
        """The same for a run that goes on from the model that serves.

        Fewer epochs do, from weights that are good already. Domains count the same, however few
        pictures the new one has.
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
        """The part that the trainer is told, as JSON-ready values."""
        return self.model_dump(mode="json", include=set(TrainingOptions.model_fields))


def load_config(
    path: Path | None, overrides: list[str], values: dict[str, Any] | None = None
) -> RunConfig:
    """Read and validate a configuration.

    Args:
        path: YAML file, or None for the defaults.
        overrides: `key=value` texts with dotted keys, `gate.max_drop=0.01`; they win over the file.
        values: further values by top-level key; they win over both.

    Raises:
        InputError: the file cannot be read, or a key or value is not allowed.
    """
    settings = _read_yaml(path) if path else {}
    for override in overrides:
        _set(settings, override)
    settings.update(values or {})
    try:
        return RunConfig.model_validate(settings)
    except ValidationError as error:
        raise InputError(_in_one_line(error, path)) from None


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"config file {path}: {error.strerror}. Name an existing file.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        place = " ".join(str(error).split())
        raise InputError(f"config file {path} is not valid YAML: {place}") from None
    if not isinstance(settings, dict):
        raise InputError(f"config file {path} must hold `key: value` lines.")
    for key in PATH_KEYS:
        if isinstance(settings.get(key), str) and not is_uri(settings[key]):
            settings[key] = str(path.parent / Path(settings[key]).expanduser())
    backbone = settings.get("backbone")
    if isinstance(backbone, dict) and backbone.get("weights", "none") not in NAMED_WEIGHTS:
        backbone["weights"] = str(path.parent / str(backbone["weights"]))
    return settings


def _set(settings: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise InputError(f"--set wants key=value, such as image_size=128. Received: {override}")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise InputError(f"--set {key}: the value is not valid YAML. Received: {text}") from None
    *groups, last = key.split(".")
    for group in groups:
        settings = settings.setdefault(group, {})
        if not isinstance(settings, dict):
            raise InputError(f"--set {key}: {group} is a value, not a group of keys.")
    settings[last] = value


def _in_one_line(error: ValidationError, path: Path | None) -> str:
    """The first problem, with the key, what is allowed and what was received."""
    problem = error.errors()[0]
    key = ".".join(str(part) for part in problem["loc"])
    where = f" ({path})" if path else ""
    more = f" ({error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if problem["type"] == "extra_forbidden":
        return f"config key '{key}' is unknown{where}. {_allowed_keys(problem['loc'])}{more}"
    if problem["type"] == "missing":
        return f"config key '{key}' is missing{where}. {_hint(key)}{more}"
    message = problem["msg"].removeprefix("Value error, ")
    received = json.dumps(problem["input"], default=str)
    subject = f"config key '{key}'" if key else "config"
    return f"{subject}: {message}. Received: {received[:200]}{where}{more}"


def _hint(key: str) -> str:
    return "Give --data DIR." if key == "data" else "Add it to the config file."


def _allowed_keys(location: tuple[int | str, ...]) -> str:
    group: Any = RunConfig
    for part in location[:-1]:
        group = group.model_fields[part].annotation
    allowed = list(group.model_fields)
    close = difflib.get_close_matches(str(location[-1]), allowed, n=1)
    return (f"Did you mean '{close[0]}'? " if close else "") + f"Allowed: {', '.join(allowed)}."
