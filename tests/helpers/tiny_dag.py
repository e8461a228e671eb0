"""Config and inputs of a DAG over one picture, which is compiled and not run."""

from pathlib import Path

from tiny_pictures import write_files

from pipeline.config.config_file import load_config
from pipeline.config.run_config import RunConfig
from pipeline.dag import PipelineInputs
from pipeline.identity.component_fingerprints import ComponentFingerprints
from pipeline.inputs.snapshot import take_snapshot

CODE = ComponentFingerprints("1", "2", "3", "4", "5", "6", "7", "8")


def tiny_inputs(
    folder: Path, baseline: str | None = None, candidate: str | None = None
) -> tuple[RunConfig, PipelineInputs]:
    """Make the arguments of `create_pipeline`.

    Args:
        folder: Folder for the data and the workspace.
        baseline: URI of the model to compare with, None for a first run.
        candidate: URI of the model of an earlier run, None to train one.
    """
    snapshot = take_snapshot(
        str(write_files(folder / "data", {"day/cat/a.png": b""})), folder / "in"
    )
    config = load_config(None, [], {"data": snapshot.data_root, "workspace": folder / "workspace"})
    return config, PipelineInputs(
        data_root=snapshot.data_root,
        listing=str(snapshot.path),
        digest=snapshot.digest,
        domains=snapshot.domains,
        known_domains=snapshot.domains if baseline else None,
        files=snapshot.files,
        empty_classes=(),
        schema="schema.pbtxt",
        code=CODE,
        run_id="run",
        run_key="key",
        baseline_uri=baseline,
        baseline_version=1 if baseline else 0,
        candidate_uri=candidate,
    )
