"""Compare the Evaluator with TFX's own, on a retraining that has ended.

TFX's Evaluator calls candidate and baseline for every test picture. Ours calls the candidate, and
takes the predictions of the baseline from the files that are kept with it. Both run in turn in this
process, on the artifacts of a run with a baseline. Exits with 1 when the limit is missed.

    python tests/benchmarks/bench_evaluator.py --workspace WORKSPACE [--run RUN] [--rounds 3]
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "helpers")]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# ruff: noqa: E402 - the paths come first
from google.protobuf import json_format
from tensorflow_model_analysis.proto import config_pb2
from tfx.components.evaluator.executor import Executor
from tfx.types import standard_artifacts
from tfx.types.artifact import Artifact
from tiny_evaluation import at, context

from components.evaluation.executor import EvaluatorExecutor
from components.evaluation.gate.gate_options import GateOptions
from components.image_example_gen.component import ImageCatalog
from pipeline.summary.run_outputs import read_outputs
from pipeline.summary.summary_schema import Summary
from pipeline.workspace import Workspace
from trainer_module.contract import example_features

#: Largest share of the time of TFX's Evaluator.
LIMIT = 0.6


def main() -> None:
    """Run both in turn, and compare the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--run", help="run with a baseline; by default the newest one")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    workspace = Workspace(options.workspace.resolve())
    summary, outputs = find_run(workspace, options.run)
    baseline = next((workspace.root / "baselines").glob(f"*/{summary.baseline_version}-*"))
    inputs: dict[str, list[Artifact]] = {
        "examples": [
            existing(standard_artifacts.Examples(), outputs["ImageExampleGen"]["examples"])
        ],
        "model": [existing(standard_artifacts.Model(), outputs["Trainer"]["model"])],
        "baseline_model": [existing(standard_artifacts.Model(), str(baseline))],
    }
    inputs["examples"][0].split_names = json.dumps(list(example_features.SPLITS))
    catalog = [existing(ImageCatalog(), outputs["ImageExampleGen"]["catalog"])]
    seconds: dict[str, list[float]] = {"TFX's": [], "ours": []}
    for _ in range(options.rounds):
        seconds["TFX's"].append(timed(lambda folder: run_tfx(folder, inputs)))
        seconds["ours"].append(
            timed(lambda folder: run_ours(folder, inputs | {"catalog": catalog}, summary))
        )
    for name, times in seconds.items():
        print(f"{name} Evaluator: {', '.join(f'{one:.1f}' for one in times)} s")
    ratio = statistics.median(seconds["ours"]) / statistics.median(seconds["TFX's"])
    pictures = sum(domain.test_images for domain in summary.domains.values())
    print(f"ratio {ratio:.2f} with {pictures:,} test pictures (limit {LIMIT})")
    sys.exit(int(ratio > LIMIT))


def find_run(workspace: Workspace, run_id: str | None) -> tuple[Summary, dict[str, dict[str, str]]]:
    """Return the summary and the artifacts of a run with a baseline."""
    for folder in sorted(workspace.runs.glob(run_id or "*"), reverse=True):
        if (folder / "summary.json").exists():
            summary = Summary.read(folder)
            if summary.baseline_version and summary.domains:
                return summary, read_outputs(folder)
    sys.exit(f"no run with a baseline has ended in {workspace.root}")


def existing(artifact: Artifact, uri: str) -> Artifact:
    """Give an artifact the URI of one that exists."""
    artifact.uri = uri
    return artifact


def timed(run: Callable[[Path], None]) -> float:
    """Return the seconds of an evaluation in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        run(Path(folder))
        return time.perf_counter() - started


def new_outputs(folder: Path) -> dict[str, list[Artifact]]:
    """Return the artifacts that an evaluation writes to."""
    return {
        "evaluation": [at(standard_artifacts.ModelEvaluation(), folder / "evaluation")],
        "blessing": [at(standard_artifacts.ModelBlessing(), folder / "blessing")],
    }


def run_ours(folder: Path, inputs: dict[str, list[Artifact]], summary: Summary) -> None:
    """Run the Evaluator of this pipeline."""
    properties = {
        "gate": GateOptions().model_dump_json(),
        "domains": json.dumps(list(summary.domains)),
        "known_domains": json.dumps(list(summary.domains)),
        "baseline_version": summary.baseline_version,
        "earlier_versions": "{}",
        "slices": "[]",
        "slice_values": "",
    }
    EvaluatorExecutor(context(folder)).Do(inputs, new_outputs(folder), properties)


def run_tfx(folder: Path, inputs: dict[str, list[Artifact]]) -> None:
    """Run TFX's Evaluator with the slices and as many metrics."""
    floor = config_pb2.GenericValueThreshold(lower_bound={"value": 0.0})
    accuracy = config_pb2.MetricConfig(
        class_name="SparseCategoricalAccuracy",
        threshold=config_pb2.MetricThreshold(value_threshold=floor),
    )
    config = config_pb2.EvalConfig(
        model_specs=[
            config_pb2.ModelSpec(
                name=name,
                is_baseline=name == "baseline",
                signature_name="serving_examples",
                preprocessing_function_names=[example_features.LABEL_ID],
                label_key=example_features.LABEL_ID,
                prediction_key=example_features.PROBABILITIES,
            )
            for name in ("candidate", "baseline")
        ],
        slicing_specs=[
            config_pb2.SlicingSpec(),
            config_pb2.SlicingSpec(feature_keys=[example_features.DOMAIN]),
            config_pb2.SlicingSpec(feature_keys=[example_features.DOMAIN, example_features.LABEL]),
        ],
        metrics_specs=[
            config_pb2.MetricsSpec(
                metrics=[
                    config_pb2.MetricConfig(class_name="ExampleCount"),
                    accuracy,
                    config_pb2.MetricConfig(class_name="SparseCategoricalCrossentropy"),
                    config_pb2.MetricConfig(class_name="MultiClassConfusionMatrixPlot"),
                ]
            )
        ],
    )
    properties = {
        "eval_config": json_format.MessageToJson(config, preserving_proto_field_name=True),
        "example_splits": '["test"]',
        "fairness_indicator_thresholds": "null",
    }
    Executor(context(folder)).Do(inputs, new_outputs(folder), properties)


if __name__ == "__main__":
    main()
