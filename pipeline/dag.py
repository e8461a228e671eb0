"""The TFX pipeline. It reads from top to bottom like the picture in the README."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tfx.components import (
    ExampleValidator,
    StatisticsGen,
    Trainer,
)
from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
from tfx.dsl.components.base.base_node import BaseNode
from tfx.dsl.components.common.importer import Importer
from tfx.orchestration.metadata import sqlite_metadata_connection_config
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import trainer_pb2, transform_pb2
from tfx.types import BaseChannel, standard_artifacts

from components.data_gate.component import DataGate
from components.data_gate.statistics.statistics_options import statistics_options
from components.evaluation.component import Evaluator
from components.image_example_gen.component import ImageExampleGen
from components.picture_transform.component import PictureTransform
from components.pusher.component import Pusher
from components.serving_check.component import ServingCheck
from pipeline import component_ids
from pipeline.beam.beam_arguments import beam_arguments
from pipeline.config.run_config import RunConfig
from pipeline.identity.cache_key import add_to_cache_key
from pipeline.identity.component_fingerprints import ComponentFingerprints
from pipeline.identity.model_key import weights_digest
from pipeline.workspace import Workspace
from trainer_module.cross_fitting.folds import NO_FOLDS, Folds
from trainer_module.multi_worker.multi_worker import JOB_FOLDER
from trainer_module.multi_worker.tf_config import read_cluster


@dataclass(frozen=True)
class PipelineInputs:
    """What a pipeline depends on, beside its config.

    Attributes:
        data_root: Folder or URI that the paths in the listing are relative to.
        listing: Path of the listing, see `pipeline.inputs.snapshot`.
        digest: Digest of the listing.
        domains: Names of the domains in the listing.
        known_domains: Names of the domains that the baseline was trained on; None without a
            baseline.
        files: Number of rows in the listing.
        empty_classes: Domain and class of every class folder without files.
        schema: Path of the schema of the examples, a text proto.
        code: Fingerprints of the code and the libraries behind each component.
        run_id: Id of the run.
        run_key: Identity of everything that determines the model, see `model_key`.
        baseline_uri: URI of the Model artifact of the baseline; None for a first run. Training
            starts from this model, and the candidate is compared with it.
        baseline_version: Version of the baseline; 0 for none.
        earlier_versions: Folders of the versions before the baseline that the candidate is compared
            with, by their numbers.
        folds: Folds of the pictures that a retraining cross-fits.
        batch: Digest of the batch that a retraining is for; empty for other runs. The listing of
            a retraining holds the batch and a part of the pictures of the serving version.
        new_folders: Folders of pictures that the baseline was not trained on, in a retraining.
        slice_values: Path of the values of slices, see `Snapshot`; "" without slices.
        unverified: Domains in which no picture has a label, in a retraining.
        candidate_uri: URI of the Model artifact of an earlier run, which is evaluated in place of a
            new training; None to train.
        unlabelled: Folder of transformed examples without labels, in a retraining; "" for none.
    """

    data_root: str
    listing: str
    digest: str
    domains: tuple[str, ...]
    known_domains: tuple[str, ...] | None
    files: int
    empty_classes: tuple[tuple[str, str], ...]
    schema: str
    code: ComponentFingerprints
    run_id: str
    run_key: str
    baseline_uri: str | None
    baseline_version: int
    earlier_versions: dict[int, str] = field(default_factory=dict)
    folds: Folds = NO_FOLDS
    batch: str = ""
    new_folders: tuple[str, ...] = ()
    slice_values: str = ""
    unverified: tuple[str, ...] = ()
    candidate_uri: str | None = None
    unlabelled: str = ""


#: Function of Transform that returns a component to launch after it.
Tuning = Callable[[BaseNode], BaseNode]


def create_pipeline(
    config: RunConfig, inputs: PipelineInputs, tuning: Tuning | None = None
) -> Pipeline:
    """Return the pipeline: all components, and how they are connected.

    Args:
        config: Config of the run, with absolute paths.
        inputs: Pictures, code and baseline of the run.
        tuning: Function that returns the Tuner, after which the pipeline ends; None for a run.

    Returns:
        A pipeline for any TFX runner. Its artifacts and metadata are in the workspace.
    """
    # Read the pictures into tf.Examples in three splits, and list the unusable files as rejects.
    example_gen = ImageExampleGen(
        data_root=inputs.data_root,
        snapshot=inputs.listing,
        digest=inputs.digest,
        split=config.split.model_dump(),
        max_file_bytes=config.max_file_bytes,
        code=inputs.code.ingestion,
    )
    examples = example_gen.outputs["examples"]

    # Compute statistics of the picture statistics and labels. The pixels are not read.
    statistics_gen = add_to_cache_key(
        StatisticsGen(examples=examples, stats_options=statistics_options()),
        inputs.code.statistics,
    )

    # Publish the schema of the examples.
    schema_gen = ImportSchemaGen(schema_file=inputs.schema)
    schema = schema_gen.outputs["schema"]

    # Compare the statistics with the schema.
    example_validator = add_to_cache_key(
        ExampleValidator(statistics=statistics_gen.outputs["statistics"], schema=schema),
        inputs.code.statistics,
    )

    # Import the serving model as the baseline: to start from, and to compare the candidate with.
    baseline = _importer(inputs.baseline_uri, component_ids.BASELINE)
    baseline_model = baseline.outputs["result"] if baseline else None

    # Explain what is wrong with the data, and stop the run before training if it is severe.
    data_gate = DataGate(
        statistics=statistics_gen.outputs["statistics"],
        anomalies=example_validator.outputs["anomalies"],
        catalog=example_gen.outputs["catalog"],
        rejects=example_gen.outputs["rejects"],
        baseline_model=baseline_model,
        validation=config.validation.model_dump(mode="json"),
        empty_classes=inputs.empty_classes,
        unverified_domains=inputs.unverified,
        code=inputs.code.data_gate,
    )

    data_nodes = [example_gen, statistics_gen, schema_gen, example_validator, baseline, data_gate]
    if tuning:
        transform = _transform(config, inputs, data_gate, examples, schema)
        return _pipeline(config, inputs, [*data_nodes, transform, tuning(transform)])

    # Train a candidate, or take the one that an earlier run has trained.
    training, model = _candidate(config, inputs, data_gate, examples, schema, baseline_model)

    # Compare the candidate with the serving version, and with the best one, in every domain.
    evaluator = Evaluator(
        examples=examples,
        catalog=example_gen.outputs["catalog"],
        model=model,
        baseline_model=baseline_model,
        gate=config.gate.model_dump(mode="json"),
        domains=[domain for domain in inputs.domains if domain not in inputs.unverified],
        known_domains=inputs.known_domains or (),
        baseline_version=inputs.baseline_version,
        earlier_versions=inputs.earlier_versions,
        slices=config.slices,
        slice_values=inputs.slice_values,
        code=inputs.code.evaluation,
    )

    # Load the exported model in a process with nothing but TensorFlow, and send it requests.
    serving_check = ServingCheck(model=model, examples=examples, code=inputs.code.serving_check)

    # Push the model as a new version, in one step, if Evaluator and ServingCheck have blessed it,
    # and no label is awaited.
    pusher = Pusher(
        model=model,
        evaluation=evaluator.outputs["evaluation"],
        model_blessing=evaluator.outputs["blessing"],
        infra_blessing=serving_check.outputs["blessing"],
        statistics=statistics_gen.outputs["statistics"],
        catalog=example_gen.outputs["catalog"],
        data_root=inputs.data_root,
        batch=inputs.batch,
        awaits_labels=bool(inputs.unverified) and config.retrain.unverified == "hold",
        workspace=str(config.workspace),
        model_name=config.name,
        run_id=inputs.run_id,
        run_key=inputs.run_key,
        baseline_version=inputs.baseline_version,
    )

    return _pipeline(config, inputs, [*data_nodes, *training, evaluator, serving_check, pusher])


def _pipeline(
    config: RunConfig, inputs: PipelineInputs, nodes: Sequence[BaseNode | None]
) -> Pipeline:
    return Pipeline(
        pipeline_name=config.name,
        pipeline_root=str(Workspace(config.workspace).artifacts),
        components=[node for node in nodes if node],
        metadata_connection_config=sqlite_metadata_connection_config(
            str(Workspace(config.workspace).metadata)
        ),
        enable_cache=True,
        beam_pipeline_args=beam_arguments(config.beam, inputs.files),
    )


def _candidate(
    config: RunConfig,
    inputs: PipelineInputs,
    data_gate: BaseNode,
    examples: BaseChannel,
    schema: BaseChannel,
    baseline_model: BaseChannel | None,
) -> tuple[list[BaseNode], BaseChannel]:
    """Return the nodes that give the candidate, and its Model channel."""
    imported = _importer(inputs.candidate_uri, component_ids.CANDIDATE)
    if imported:
        imported.add_upstream_node(data_gate)
        return [imported], imported.outputs["result"]

    transform = _transform(config, inputs, data_gate, examples, schema)

    # Train a head on the frozen backbone, then fine-tune the backbone; export the better model.
    trainer = Trainer(
        run_fn="trainer_module.training.run_fn",
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        schema=schema,
        base_model=baseline_model,
        train_args=trainer_pb2.TrainArgs(splits=["train"]),
        eval_args=trainer_pb2.EvalArgs(splits=["eval"]),
        custom_config=_trainer_config(config, inputs),
    )
    return [transform, trainer], trainer.outputs["model"]


def _transform(
    config: RunConfig,
    inputs: PipelineInputs,
    data_gate: BaseNode,
    examples: BaseChannel,
    schema: BaseChannel,
) -> BaseNode:
    """Return the node that decodes and resizes the pictures, once.

    The test split is not transformed: only the Evaluator reads it, through the exported model.
    """
    transform = PictureTransform(
        examples=examples,
        schema=schema,
        preprocessing_fn="trainer_module.data.preprocessing.preprocessing_fn",
        splits_config=transform_pb2.SplitsConfig(analyze=["train"], transform=["train", "eval"]),
        custom_config={
            "image_size": config.image_size,
            "storage": config.storage(inputs.files),
            "code": inputs.code.preprocessing,
        },
        disable_statistics=True,
    ).with_id(component_ids.TRANSFORM)
    transform.add_upstream_node(data_gate)
    return transform


def _trainer_config(config: RunConfig, inputs: PipelineInputs) -> dict[str, Any]:
    """Return the `custom_config` of the Trainer, see `trainer_module.training.run_fn`."""
    workspace = Workspace(config.workspace)
    settings: dict[str, Any] = {
        "training": config.training(),
        "weights": weights_digest(config.backbone),
        "code": inputs.code.training,
    }
    if inputs.batch:
        settings["activation_cache"] = str(workspace.activation_cache)
        settings["new_pictures"] = {
            "folders": inputs.new_folders,
            "share": config.retrain.new_share,
        }
    if inputs.folds:
        settings["folds"] = asdict(inputs.folds)
    if inputs.unlabelled:
        settings["unlabelled"] = f"{inputs.unlabelled}/*"
    if read_cluster().is_distributed:
        settings[JOB_FOLDER] = str(workspace.training_jobs)
    return settings


def _importer(uri: str | None, node: str) -> Importer | None:
    """Return a node that imports a model; None without a model."""
    if uri is None:
        return None
    return Importer(source_uri=uri, artifact_type=standard_artifacts.Model).with_id(node)
