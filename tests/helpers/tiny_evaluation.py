"""Runs Evaluator over a few examples, and makes the artifacts for it."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.types import standard_artifacts
from tfx.types.artifact import Artifact
from tiny_models import ColourModel, example, save_model, write_shard

from components.compat.cached_beam_lookups import cached_beam_lookups
from components.evaluation.executor import EvaluatorExecutor
from components.evaluation.gate.gate_options import GateOptions
from components.evaluation.gate.slice_names import slice_columns
from components.evaluation.predictions.slice_values import SliceValuesWriter
from components.image_example_gen.catalog import write_catalog
from components.image_example_gen.component import ImageCatalog
from components.image_example_gen.shards import shard_path
from pipeline.beam.beam_arguments import beam_arguments
from pipeline.config.beam_options import BeamOptions
from trainer_module.contract.atomic_write import Draft

#: Suffix of the chunk with the test pictures, and of one without any.
SUFFIX = "00000-of-00001"
EMPTY_SUFFIX = "00001-of-00002"

#: Version of the baseline.
BASELINE_VERSION = 7

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
    earlier: dict[int, Path] | None = None,
    pictures: tuple[tuple[str, str, tuple[int, int, int]], ...] = PICTURES,
    slices: tuple[tuple[str, ...], ...] = (),
    values: Sequence[dict[str, str]] = (),
) -> Evaluated:
    """Evaluate a model that knows all colours.

    Args:
        folder: Folder for all artifacts.
        gate: Limits.
        domains: Domains with a gate.
        baseline: Model to compare with, if any; it is version 7.
        known: Domains that the baseline was trained on; by default all.
        earlier: Folders of further versions to compare with, by number.
        pictures: Domain, true label and colour of every test picture.
        slices: Columns of further slices.
        values: Values of these columns for every test picture.
    """
    examples = at(standard_artifacts.Examples(), folder / "examples")
    examples.split_names = '["test"]'
    ids = [f"{number}.png".encode() for number in range(len(pictures))]
    records = [example(*row, image_id=name) for row, name in zip(pictures, ids, strict=True)]
    write_shard(folder / "examples" / "Split-test", records)
    catalog = at(ImageCatalog(), folder / "catalog")
    rows = [{"image_id": name, "content": digest_of(name)} for name in ids]
    write_catalog(catalog.uri, SUFFIX, rows)
    write_catalog(catalog.uri, EMPTY_SUFFIX, [])
    Path(shard_path(examples.uri, "test", EMPTY_SUFFIX)).touch()
    model = model_artifact(folder / "model", ColourModel())
    inputs = {"examples": [examples], "catalog": [catalog], "model": [model]}
    if baseline:
        inputs["baseline_model"] = [model_artifact(folder / "baseline", baseline)]
    evaluation = at(standard_artifacts.ModelEvaluation(), folder / "evaluation")
    blessing = at(standard_artifacts.ModelBlessing(), folder / "blessing")
    with cached_beam_lookups():  # as in a run
        EvaluatorExecutor(context(folder)).Do(
            inputs,
            {"evaluation": [evaluation], "blessing": [blessing]},
            {
                "gate": gate.model_dump_json(),
                "domains": json.dumps(domains),
                "known_domains": json.dumps(domains if known is None else known),
                "baseline_version": BASELINE_VERSION if baseline else 0,
                "earlier_versions": json.dumps(
                    {number: str(version) for number, version in (earlier or {}).items()}
                ),
                "slices": json.dumps(slices),
                "slice_values": _write_values(folder, slices, ids, values) if slices else "",
            },
        )
    return Evaluated(model, evaluation, blessing)


def _write_values(
    folder: Path,
    slices: tuple[tuple[str, ...], ...],
    ids: Sequence[bytes],
    values: Sequence[dict[str, str]],
) -> str:
    with Draft(folder / "slices") as draft:
        writer = SliceValuesWriter(draft, slice_columns(slices), "data")
        for image_id, texts in zip(ids, values, strict=True):
            writer.add(image_id.decode(), texts)
        return str(writer.finish(folder))


def digest_of(image_id: bytes) -> bytes:
    """Digest of a picture's file."""
    return hashlib.sha256(image_id).digest()[:16]
