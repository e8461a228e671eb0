"""Runs TFX's Evaluator over a few examples, and makes the artifacts for it."""

from dataclasses import dataclass
from pathlib import Path

from google.protobuf import json_format
from tfx.components.evaluator.executor import Executor
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.types import standard_artifacts
from tfx.types.artifact import Artifact
from tiny_models import ColourModel, example, save_model, write_shard

from components.evaluation.eval_config import create_eval_config
from components.evaluation.gate_options import GateOptions
from pipeline.beam.beam_arguments import beam_arguments
from pipeline.config.beam_options import BeamOptions

#: Test pictures: domain, true label, colour.
PICTURES = (
    ("day", "red", (255, 0, 0)),
    ("day", "red", (153, 102, 0)),
    ("day", "green", (102, 153, 0)),
    ("day", "blue", (204, 51, 0)),
    ("night", "red", (255, 0, 0)),
    ("night", "red", (51, 0, 204)),
)


@dataclass(frozen=True)
class Evaluated:
    """Artifacts of one evaluation."""

    model: Artifact
    evaluation: Artifact
    blessing: Artifact


def at(artifact: Artifact, folder: Path) -> Artifact:
    """Give an artifact a folder, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    artifact.uri = str(folder)
    return artifact


def context(folder: Path) -> BaseBeamExecutor.Context:
    """Make the context that TFX gives an executor with a Beam job."""
    return BaseBeamExecutor.Context(
        beam_pipeline_args=beam_arguments(BeamOptions(), 1), tmp_dir=str(folder), unique_id="1"
    )


def model_artifact(folder: Path, model: ColourModel) -> Artifact:
    """Export a model as the Trainer does."""
    save_model(folder / "Format-Serving", model)
    return at(standard_artifacts.Model(), folder)


def evaluate(
    folder: Path,
    gate: GateOptions,
    domains: tuple[str, ...],
    baseline: ColourModel | None = None,
    known: tuple[str, ...] | None = None,
) -> Evaluated:
    """Evaluate a model that knows all colours on `PICTURES`.

    Args:
        folder: Folder for all artifacts.
        gate: Limits.
        domains: Domains with a gate.
        baseline: Model to compare with, if any.
        known: Domains that the baseline was trained on; by default all.
    """
    examples = at(standard_artifacts.Examples(), folder / "examples")
    examples.split_names = '["test"]'
    write_shard(folder / "examples" / "Split-test", [example(*row) for row in PICTURES])
    model = model_artifact(folder / "model", ColourModel())
    inputs = {"examples": [examples], "model": [model]}
    if baseline:
        inputs["baseline_model"] = [model_artifact(folder / "baseline", baseline)]
    evaluation = at(standard_artifacts.ModelEvaluation(), folder / "evaluation")
    blessing = at(standard_artifacts.ModelBlessing(), folder / "blessing")
    known = domains if known is None else known
    config = create_eval_config(domains, gate, "code", known if baseline else None)
    Executor(context(folder)).Do(
        inputs,
        {"evaluation": [evaluation], "blessing": [blessing]},
        {
            "eval_config": json_format.MessageToJson(config, preserving_proto_field_name=True),
            "example_splits": '["test"]',
            "fairness_indicator_thresholds": "null",
        },
    )
    return Evaluated(model, evaluation, blessing)
