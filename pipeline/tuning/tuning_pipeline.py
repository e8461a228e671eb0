"""The pipeline of a search: the components up to Transform, and TFX's Tuner."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from tfx.components import Tuner
from tfx.dsl.components.base.base_node import BaseNode
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import trainer_pb2

from pipeline.config.run_config import RunConfig
from pipeline.dag import PipelineInputs, create_pipeline
from pipeline.workspace import Workspace


@dataclass(frozen=True)
class SearchLimits:
    """Limits of a search.

    Attributes:
        minutes: Time limit, without the components before the Tuner.
        max_trials: Number of trials, those of earlier calls included; None for any.
    """

    minutes: float
    max_trials: int | None = None


def search_folder(config: RunConfig, inputs: PipelineInputs) -> Path:
    """Return the folder of a search: another one for other pictures, options or code."""
    key = hashlib.sha256(f"{inputs.run_key} {inputs.code.tuning}".encode()).hexdigest()
    return Workspace(config.workspace).searches / key[:16]


def create_tuning_pipeline(
    config: RunConfig, inputs: PipelineInputs, limits: SearchLimits, result: Path
) -> Pipeline:
    """Return the pipeline of a search.

    Its Tuner writes a HyperParameters artifact, which TFX's Trainer takes as `hyperparameters`.

    Args:
        config: Config of the run that the user is preparing, with absolute paths.
        inputs: Pictures and code.
        limits: Limits of the search.
        result: File for the result, see `SearchResult`.
    """
    settings = {
        "training": config.training(),
        "search_folder": str(search_folder(config, inputs)),
        "result": str(result),
        "seconds": limits.minutes * 60,
        "max_trials": limits.max_trials,
        "run_id": inputs.run_id,  # a repeated call continues, and is never from the cache
    }

    def create_tuner(transform: BaseNode) -> BaseNode:
        return Tuner(
            tuner_fn="trainer_module.tuning.tuning.tuner_fn",
            examples=transform.outputs["transformed_examples"],
            transform_graph=transform.outputs["transform_graph"],
            train_args=trainer_pb2.TrainArgs(splits=["train"]),
            eval_args=trainer_pb2.EvalArgs(splits=["eval"]),
            custom_config=settings,
        )

    return create_pipeline(config, inputs, create_tuner)
