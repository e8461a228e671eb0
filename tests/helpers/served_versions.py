"""Workspaces with served versions and their runs; the models are a few bytes, or given."""

import json
from pathlib import Path
from typing import Any

import yaml
from tiny_pictures import write_files
from tiny_summary import summary

from components.pusher.version_store import Push, VersionStore

NAME = "pets"
RUN_ID = "20240101-000000"
SECRET = "hunter2"  # noqa: S105 (no real one)

DESCRIPTION: dict[str, Any] = {
    "labels": ["cat", "dog"],
    "backbone": "efficientnet_lite0",
    "image_size": 96,
    "temperature": 0.8,
    "training": {
        "chosen": "fine_tuned",
        "fine_tuned": {"domain_accuracy": {"day": 0.9, "night": 0.8}},
    },
}

FILES = {
    "saved_model.pb": b"graph",
    "variables/variables.index": b"index",
    "assets.extra/model.json": json.dumps(DESCRIPTION).encode(),
    "assets.extra/pictures.parquet": b"paths",
}

DOMAINS = {
    name: {"test_images": 140.0, "accuracy": accuracy, "macro_f1": 0.7, "log_loss": 0.5, "ece": 0.1}
    for name, accuracy in {"day": 0.9, "night": 0.8}.items()
}


def serve_version(
    root: Path, number: int = 1, model: Path | None = None, domains: Any = None, **push: Any
) -> VersionStore:
    """Push a version of a model, and write the folder of its run.

    Args:
        root: Folder of the workspace.
        number: Number of the version; those before it are pushed.
        model: Folder of a SavedModel; None for one of a few bytes.
        domains: Metrics by domain, by default `DOMAINS`.
        **push: Further fields of the record of the push.
    """
    store = VersionStore(root, NAME)
    folder = model or write_files(root / f"model-{number}", FILES | {"fingerprint": b"%d" % number})
    run_id = f"20240101-00000{number - 1}"
    values = {"baseline_version": number - 1 or None, "domains": domains or DOMAINS}
    record = Push(
        **{"run_id": run_id, "run_key": "key", "pushed_at": "2024-01-01T00:00:00+00:00"},
        **{"digest": f"{number:064x}", **values, **push},
    )
    assert store.push(folder, record) == number
    write_run(root, run_id, pushed_version=number, baseline_version=number - 1 or None)
    return store


def write_run(root: Path, run_id: str = RUN_ID, **changes: Any) -> Path:
    """Write summary, report and config of a run; the config holds a credential."""
    config = {"name": NAME, "data": f"s3://me:{SECRET}@host/pictures", "workspace": str(root)}
    folder = write_files(
        root / "runs" / run_id,
        {"report.html": b"<h1>report</h1>", "config.yaml": yaml.safe_dump(config).encode()},
    )
    summary(run_id=run_id, **changes).write(folder)
    return folder
