"""Stands for the run of the pipeline: it reads the pictures for real, and trains nothing."""

import hashlib
import json
from pathlib import Path
from typing import Any

from retraining_site import PUSHED
from tiny_pictures import solid, write_files
from tiny_workspace import KNOWN_ACCURACY, KNOWN_DOMAIN

from components.image_example_gen.ingestion import Destination, ingest_rows
from components.image_example_gen.split_correction import correct_splits
from components.pusher.data_set import read_data_set, write_data_set
from components.pusher.version_store import Push, VersionStore
from pipeline.config.run_config import RunConfig
from pipeline.inputs.snapshot import Snapshot
from pipeline.retraining.ledger import Ledger
from pipeline.retraining.training_set import TrainingSet
from pipeline.summary.run_outputs import write_outputs
from pipeline.summary.summary_schema import Summary
from pipeline.workspace import Workspace


class IngestingPipeline:
    """Ingests every listing, and pushes a copy of the serving version with its data set.

    Attributes:
        snapshots: Listings of all runs.
    """

    def __init__(self) -> None:
        self.snapshots: list[Snapshot] = []

    def __call__(self, config: RunConfig, workspace: Workspace, snapshot: Snapshot) -> Summary:
        self.snapshots.append(snapshot)
        store = VersionStore(workspace.root, config.name)
        baseline = store.newest()
        run_id = f"run {1 + (baseline or 0)}"
        folder = workspace.root / "artifacts" / run_id
        destination = Destination(*(str(folder / name) for name in ("examples", "catalog", "no")))
        for path in destination.folders():
            Path(path).mkdir(parents=True)
        split = config.split.model_dump()
        ingest_rows(
            self.rows(),
            snapshot.data_root,
            split,
            config.max_file_bytes,
            destination,
            "00000-of-00001",
        )
        correct_splits(destination)
        domains = {KNOWN_DOMAIN: {"accuracy": KNOWN_ACCURACY}}
        push = Push(run_id, run_id, "key", baseline, "2024-01-01T00:00:00", domains, snapshot.batch)
        earlier = store.path(baseline) if baseline else None
        version = store.push(
            earlier or write_files(workspace.root / "model", {"saved_model.pb": b""}),
            push,
            lambda model: write_data_set(
                destination.catalog,
                snapshot.data_root,
                workspace.root,
                model,
                earlier if snapshot.batch else None,
            ),
        )
        changes = {"run_id": run_id, "pushed_version": version, "data_root": snapshot.data_root}
        summary = PUSHED.model_copy(update=changes)
        run = workspace.runs / run_id
        run.mkdir(parents=True)
        summary.write(run)
        write_outputs({"ImageExampleGen": {"catalog": destination.catalog}}, run)
        return summary

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows of the newest listing."""
        lines = self.snapshots[-1].path.read_text().splitlines()
        return [json.loads(line) for line in lines]


class PictureSite:
    """A workspace whose versions are made by an `IngestingPipeline`, and batches for it."""

    def __init__(self, root: Path) -> None:
        self.data = root / "data"
        self.workspace = Workspace(root / "workspace")
        self.pipeline = IngestingPipeline()
        self._number = 0

    @property
    def model(self) -> Path:
        """Folder of the serving version."""
        store = VersionStore(self.workspace.root, "m")
        return store.path(store.newest() or 0)

    def config(self, **settings: Any) -> RunConfig:
        """Return a config; nothing of the training and eval split is replayed but one picture."""
        settings = {"retrain": {"replay_per_domain": 1, "min_pictures": 1}} | settings
        return RunConfig(name="m", data=str(self.data), workspace=self.workspace.root, **settings)

    def batch(self, *rows: dict[str, Any], state: str = "taken", name: str = "") -> int:
        """Add a batch to the ledger and to the batch store, and return its number."""
        self._number += 1
        digest = f"{self._number:016x}"
        files: dict[str, bytes] = {}
        listing = ""
        for row in rows:
            content = row.pop("content")
            path = f"files/{digest_of(content)}.png"
            files[path] = content
            common = {"path": path, "sha256": digest_of(content), "domain": "day", "label": "cat"}
            listing += json.dumps(common | row) + "\n"
        write_files(self.workspace.batches / digest, files | {"listing.jsonl": listing.encode()})
        batch = Ledger(self.workspace.root).add(name or digest, "", digest, digest)
        assert batch is not None
        Ledger(self.workspace.root).update(batch.number, state=state)
        return batch.number

    def read(self, number: int) -> TrainingSet:
        """Return the training set of a batch."""
        ledger = Ledger(self.workspace.root)
        return TrainingSet.read(ledger.read(number), ledger.batches(), self.model, self.workspace)

    def retrain(self, number: int, **settings: Any) -> Snapshot:
        """Push a version for a batch, and return the snapshot of its run."""
        config = self.config(**settings)
        snapshot = self.read(number).write(config)
        summary = self.pipeline(config, self.workspace, snapshot)
        ledger = Ledger(self.workspace.root)
        ledger.finish(number, "pushed", "", version=summary.pushed_version)
        return snapshot

    def known(self) -> dict[bytes, list[dict[str, Any]]]:
        """Return the data set of the serving version, by content."""
        table = read_data_set(self.model)
        assert table is not None
        known: dict[bytes, list[dict[str, Any]]] = {}
        for row in table.to_pylist():
            known.setdefault(row["content"], []).append(row)
        return known

    def row(self, content: bytes) -> dict[str, Any]:
        """Return what the serving version knows of a picture that is in its data set once."""
        [row] = self.known()[bytes.fromhex(digest_of(content))[:16]]
        return row


def digest_of(content: bytes) -> str:
    """Return the SHA-256 of a file, in hex."""
    return hashlib.sha256(content).hexdigest()


def picture(number: int) -> bytes:
    """Return the bytes of a picture; every number gives another one."""
    return solid((number % 256, number // 256 % 256, 77))
