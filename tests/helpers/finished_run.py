"""What a run leaves behind whose candidate was not pushed, written by hand."""

import shutil
from pathlib import Path

import yaml
from tensorflow_metadata.proto.v0 import statistics_pb2
from tiny_pictures import write_files
from tiny_summary import summary
from tiny_workspace import NAME

from components.data_gate.statistics.split_statistics import ALL_PICTURES, SLICE_PREFIX
from components.image_example_gen.catalog import SCHEMA, write_catalog
from pipeline import component_ids
from pipeline.config.run_config import RunConfig
from pipeline.summary.run_outputs import write_outputs
from pipeline.workspace import BATCH

RUN_ID = "20240102-000000"
STATISTICS = statistics_pb2.DatasetFeatureStatisticsList(
    datasets=[
        statistics_pb2.DatasetFeatureStatistics(name=name, num_examples=1)
        for name in (ALL_PICTURES, f"{SLICE_PREFIX}night")
    ]
).SerializeToString()


def add_run(root: Path, batch: str | None = None, status: str = "not_blessed") -> Path:
    """Write what a run leaves behind whose candidate was compared with version 1."""
    artifacts = root / "artifacts"
    shutil.copytree(root / "model", artifacts / "model" / "Format-Serving")
    write_files(artifacts / "statistics", {"Split-train/FeatureStats.pb": STATISTICS})
    (artifacts / "catalog").mkdir()
    row = {"image_id": b"batches/b/1.png", "domain": "night", "label": "red", "split": "train"}
    row |= {"content": b"content of 1.png"}
    write_catalog(str(artifacts / "catalog"), "00000-of-00001", [dict.fromkeys(SCHEMA.names) | row])
    folder = root / "runs" / RUN_ID
    folder.mkdir(parents=True)
    outputs = {
        component_ids.TRAINER: {"model": str(artifacts / "model")},
        component_ids.STATISTICS_GEN: {"statistics": str(artifacts / "statistics")},
        component_ids.IMAGE_EXAMPLE_GEN: {"catalog": str(artifacts / "catalog")},
        # As of a run before predictions were kept.
        component_ids.EVALUATOR: {"evaluation": str(artifacts / "evaluation")},
    }
    write_outputs(outputs, folder)
    summary(run_id=RUN_ID, status=status, baseline_version=1, data_root=str(root)).write(folder)
    config = RunConfig(name=NAME, data="/data", workspace=root)
    (folder / "config.yaml").write_text(yaml.safe_dump(config.model_dump(mode="json")))
    if batch:
        (folder / BATCH).write_text(f"{batch}\n")
    return folder
