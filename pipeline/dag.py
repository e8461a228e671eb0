"""The DAG, top to bottom like the picture in the README."""

from dataclasses import dataclass
from typing import Any

from tfx.components import (
    Evaluator,
    ExampleValidator,
    StatisticsGen,
    Trainer,
)
from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
from tfx.dsl.components.base.base_node import BaseNode
from tfx.dsl.components.common.importer import Importer
from tfx.orchestration import metadata
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import trainer_pb2, transform_pb2
from tfx.types import standard_artifacts

from components.data_gate.component import DataGate
from components.data_gate.statistics.statistics_options import statistics_options
from components.evaluation.eval_config import create_eval_config
from components.image_example_gen.component import ImageExampleGen
from components.picture_transform.component import PictureTransform
from components.pusher.component import Pusher
from components.serving_check.component import ServingCheck
from pipeline.config.run_config import RunConfig
from pipeline.running.beam_arguments import beam_arguments
from pipeline.running.identity import CodeFingerprints, weights_digest
from pipeline.workspace import Workspace
from trainer_module.multi_worker.multi_worker import RENDEZVOUS
from trainer_module.multi_worker.tf_config import read_cluster

#: In the workspace: what the frozen part of the backbone made of pictures that may come again.
FEATURES = "features"


@dataclass(frozen=True)
class Inputs:
    """What a run is over, beside its config.

    Attributes:
        data_root: folder or URI that the listing's paths are relative to.
        listing: JSON lines, see `pipeline.inputs.snapshot`.
        digest: identity of the listing.
        domains: names of those in the listing.
        known_domains: those that the baseline was trained on; None where there is no baseline.
        files: number of its rows.
        empty_classes: domain and class of folders without files.
        schema: of the examples, a text proto.
        code: fingerprints of our own code.
        run_id: of this run.
        run_key: identity of what determines the model.
        baseline_uri: artifact to beat and to start from, None for the first run.
        baseline_version: its number, 0 for none.
        batch: digest of the batch that the run is for, if it is for one. The listing then holds a
            part of the baseline's pictures, and the batch.
        fresh: folders of pictures that the baseline was not trained on, of a run for a batch.
    """

    data_root: str
    listing: str
    digest: str
    domains: tuple[str, ...]
    known_domains: tuple[str, ...] | None
    files: int
    empty_classes: tuple[tuple[str, str], ...]
    schema: str
    code: CodeFingerprints
    run_id: str
    run_key: str
    baseline_uri: str | None
    baseline_version: int
    batch: str = ""
    fresh: tuple[str, ...] = ()


def create_pipeline(config: RunConfig, inputs: Inputs) -> Pipeline:
    """Connect the components.

    Args:
        config: of the run.
        inputs: pictures, code and baseline.

    Returns:
        A pipeline for any TFX runner. Its artifacts and metadata are in the workspace.
    """
    # Pictures -> tf.Examples in three splits; files that cannot be used -> rejects.
    example_gen = ImageExampleGen(
        data_root=inputs.data_root,
        snapshot=inputs.listing,
        digest=inputs.digest,
        split=config.split.model_dump(),
        code=inputs.code.ingestion,
    )
    examples = example_gen.outputs["examples"]

    # Numbers about the pictures, never their pixels, against the contract of an example.
    statistics_gen = StatisticsGen(examples=examples, stats_options=statistics_options())
    schema_gen = ImportSchemaGen(schema_file=inputs.schema)
    schema = schema_gen.outputs["schema"]
    example_validator = ExampleValidator(
        statistics=statistics_gen.outputs["statistics"], schema=schema
    )

    # The model that serves now: to beat, and to start from.
    baseline = _baseline(inputs.baseline_uri)
    baseline_model = baseline.outputs["result"] if baseline else None

    # What all that means in words; bad data end the run here, before any training.
    data_gate = DataGate(
        statistics=statistics_gen.outputs["statistics"],
        anomalies=example_validator.outputs["anomalies"],
        catalog=example_gen.outputs["catalog"],
        rejects=example_gen.outputs["rejects"],
        baseline_model=baseline_model,
        validation=config.validation.model_dump(mode="json"),
        empty_classes=inputs.empty_classes,
        code=inputs.code.data_gate,
    )

    # Decode and resize once; the test split stays as it came, for the Evaluator alone.
    transform = PictureTransform(
        examples=examples,
        schema=schema,
        preprocessing_fn="trainer_module.data.preprocessing.preprocessing_fn",
        splits_config=transform_pb2.SplitsConfig(analyze=["train"], transform=["train", "eval"]),
        custom_config={"image_size": config.image_size, "code": inputs.code.preprocessing},
        disable_statistics=True,
    ).with_id("Transform")
    transform.add_upstream_node(data_gate)

    # Frozen backbone and new head, then careful fine-tuning; the better of the two is exported.
    trainer = Trainer(
        run_fn="trainer_module.training.run_fn",
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        schema=schema,
        base_model=baseline_model,
        train_args=trainer_pb2.TrainArgs(splits=["train"]),
        eval_args=trainer_pb2.EvalArgs(splits=["eval"]),
        custom_config={
            "training": config.training(),
            "weights": weights_digest(config.backbone),
            "code": inputs.code.training,
            **(_retraining(config, inputs) if inputs.batch else {}),
            **_together(config),
        },
    )
    model = trainer.outputs["model"]

    # Every domain against its floor and against the model that serves now.
    evaluator = Evaluator(
        examples=examples,
        model=model,
        baseline_model=baseline_model,
        eval_config=create_eval_config(
            inputs.domains, config.gate, inputs.code.evaluation, inputs.known_domains
        ),
        example_splits=["test"],
    )

    # The export must load and answer where only TensorFlow is installed.
    serving_check = ServingCheck(model=model, examples=examples, code=inputs.code.serving_check)

    # A new version, whole or not at all, if both have blessed the model.
    pusher = Pusher(
        model=model,
        evaluation=evaluator.outputs["evaluation"],
        model_blessing=evaluator.outputs["blessing"],
        infra_blessing=serving_check.outputs["blessing"],
        statistics=statistics_gen.outputs["statistics"],
        catalog=example_gen.outputs["catalog"],
        data_root=inputs.data_root,
        batch=inputs.batch,
        workspace=str(config.workspace),
        model_name=config.name,
        run_id=inputs.run_id,
        run_key=inputs.run_key,
        baseline_version=inputs.baseline_version,
    )

    nodes: list[BaseNode | None] = [
        example_gen,
        statistics_gen,
        schema_gen,
        example_validator,
        baseline,
        data_gate,
        transform,
        trainer,
        evaluator,
        serving_check,
        pusher,
    ]
    return Pipeline(
        pipeline_name=config.name,
        pipeline_root=str(config.workspace / "artifacts"),
        components=[node for node in nodes if node],
        metadata_connection_config=metadata.sqlite_metadata_connection_config(
            str(Workspace(config.workspace).metadata)
        ),
        enable_cache=True,
        beam_pipeline_args=beam_arguments(config.beam, inputs.files),
    )


def _retraining(config: RunConfig, inputs: Inputs) -> dict[str, Any]:
    """What the trainer is told of a retraining."""
    fresh = {"folders": inputs.fresh, "share": config.retrain.new_share}
    return {"feature_cache": str(config.workspace / FEATURES), "fresh": fresh}


def _together(config: RunConfig) -> dict[str, str]:
    """Where the other processes of `TF_CONFIG`, if it names some, are invited to train along."""
    rendezvous = Workspace(config.workspace).rendezvous
    return {RENDEZVOUS: str(rendezvous)} if read_cluster().is_several else {}


def _baseline(uri: str | None) -> Importer | None:
    if uri is None:
        return None
    return Importer(source_uri=uri, artifact_type=standard_artifacts.Model).with_id("Baseline")
