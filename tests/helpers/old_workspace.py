"""A workspace after many runs, written by hand, with a database that ML Metadata has written."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import yaml
from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as protos
from tiny_pictures import write_files
from tiny_summary import summary

from components.pusher.version_store import Push, VersionStore
from pipeline.config.run_config import RunConfig
from pipeline.summary.run_outputs import read_outputs, write_outputs
from pipeline.workspace import BATCH, Workspace
from trainer_module.contract.model_assets import (
    DESCRIPTION,
    PUSH_RECORD,
    TEST_PREDICTIONS,
    WEIGHTS,
)

NAME = "shapes"

#: Node -> its outputs.
NODES = {"ImageExampleGen": ("examples", "catalog"), "Trainer": ("model",)}

#: Files of every artifact, in each of which its run is named.
ARTIFACT_FILES = ("part-0", "deep/part-1", "deep/part-2")

#: Status of a run by its outcome; one that was killed has no summary.
STATUS = {"pushed": "pushed", "rejected": "not_blessed", "awaiting": "awaiting_labels"}


class OldWorkspace:
    """A workspace to which runs are added, as carryover and TFX leave them."""

    def __init__(self, root: Path, name: str = NAME, weights: int = 40_000) -> None:
        """Create the workspace, or add runs of another model to it.

        Args:
            root: Folder of the workspace.
            name: Name of the model.
            weights: Bytes of the variables of every version.
        """
        self._weights = weights
        self.workspace = Workspace(root)
        self.store = VersionStore(root, name)
        self.runs: list[str] = []
        root.mkdir(parents=True, exist_ok=True)

    def copy_to(self, root: Path) -> "OldWorkspace":
        """Copy the workspace to a folder, which is replaced, and return the copy."""
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(self.workspace.root, root, symlinks=True)
        copy = OldWorkspace(root, self.store.name)
        copy.runs = list(self.runs)
        return copy

    def add_runs(self, count: int, outcome: str = "pushed", **options: Any) -> list[str]:
        """Add runs with one outcome, and return their ids."""
        return [self.add_run(outcome, **options) for _ in range(count)]

    def add_run(
        self, outcome: str = "pushed", batch: str = "", cached_of: str = "", baseline: int = 0
    ) -> str:
        """Add a run: `pushed`, `rejected`, `awaiting`, `failed` or `killed`.

        Args:
            outcome: How it ended.
            batch: Digest of its batch; "" for no retraining.
            cached_of: Run whose examples TFX's cache gave it; "" for none.
            baseline: Version that it was compared with; 0 for the serving version.
        """
        newest = max((path.name for path in self.workspace.runs.glob("*")), default="0")
        run_id = f"20240101-{int(newest[-6:]) + 1:06d}"
        self.runs.append(run_id)
        folder = self.workspace.runs / run_id
        folder.mkdir(parents=True)
        config = RunConfig(name=self.store.name, data="/data", workspace=self.workspace.root)
        values = config.model_dump(mode="json", exclude_defaults=True)  # they are read very often
        (folder / "config.yaml").write_text(yaml.safe_dump(values))
        if batch:
            (folder / BATCH).write_text(f"{batch}\n")
        listing = f"{hashlib.sha256(run_id.encode()).hexdigest()}.jsonl"
        log = self.workspace.log(run_id).relative_to(self.workspace.root)
        write_files(
            self.workspace.root,
            {f"inputs/{listing}": b'{"path": "1.png"}\n', str(log): b"TensorFlow says much\n"},
        )
        outputs = self._execute(run_id, cached_of)
        if outcome == "killed":
            return run_id
        baseline_version = baseline or self.store.newest()
        pushed = self._push(run_id, baseline_version, batch) if outcome == "pushed" else None
        summary(
            run_id=run_id,
            status=STATUS.get(outcome, "failed"),
            pushed_version=pushed,
            baseline_version=baseline_version,
            listing=listing,
            **({"domains": {}} if outcome == "failed" else {}),
        ).write(folder)
        if outcome != "failed":
            write_outputs(outputs, folder)
        write_files(folder, {"report.html": bytes(9000), "rejects.csv": b"", "identity": b"1\n"})
        return run_id

    def _push(self, run_id: str, baseline: int | None, batch: str) -> int:
        files = {
            "saved_model.pb": run_id.encode(),
            "variables/variables.data-00000-of-00001": bytes(self._weights),
            WEIGHTS: bytes(20_000),
            DESCRIPTION: json.dumps({"labels": ["a"]}).encode(),
            TEST_PREDICTIONS: run_id.encode(),
        }
        model = write_files(self.workspace.root.with_name("model"), files)
        moment = f"2024-01-01T00:00:{len(self.runs):02d}+00:00"
        accuracies = {"day": {"accuracy": 0.9}}
        push = Push(run_id, run_id, "key", baseline, moment, accuracies, batch or None)
        return self.store.push(model, push)

    def _execute(self, run_id: str, cached_of: str) -> dict[str, dict[str, str]]:
        """Write what TFX does of a run, and the files of its artifacts."""
        store = open_store(self.workspace.metadata)
        run = _context(store, "pipeline_run", run_id)
        outputs: dict[str, dict[str, str]] = {}
        used: list[int] = []
        for node, names in NODES.items():
            is_cached = bool(cached_of) and node == "ImageExampleGen"
            key = f"{node} of {cached_of if is_cached else run_id}"
            contexts = [run, _context(store, "node", f"{self.store.name}.{node}")]
            contexts.append(_context(store, "execution_cache", key))
            kind = store.put_execution_type(protos.ExecutionType(name=node))
            state = protos.Execution.CACHED if is_cached else protos.Execution.COMPLETE
            [execution] = store.put_executions(
                [protos.Execution(type_id=kind, last_known_state=state)]
            )
            uris = {name: f"{self.workspace.artifacts}/{node}/{name}/{execution}" for name in names}
            if is_cached:
                uris = read_outputs(self.workspace.runs / cached_of)[node]
            made = [_artifact(store, name, uri, run_id) for name, uri in uris.items()]
            events = [_event(execution, one, protos.Event.INPUT) for one in used]
            events += [_event(execution, one, protos.Event.OUTPUT) for one in made]
            store.put_events(events)
            self._connect(store, contexts, execution, made)
            outputs[node], used = uris, used + made
            system = self.workspace.artifacts / node / ".system" / "executor_execution"
            (system / str(execution)).mkdir(parents=True)
        return outputs

    def _connect(
        self, store: MetadataStore, contexts: list[int], execution: int, made: list[int]
    ) -> None:
        associations = [
            protos.Association(context_id=one, execution_id=execution) for one in contexts
        ]
        attributions = [
            protos.Attribution(context_id=context, artifact_id=one)
            for context in contexts
            for one in made
        ]
        store.put_attributions_and_associations(attributions, associations)

    def batch(self, digest: str) -> None:
        """Write a copy of a batch, and its pictures to label."""
        write_files(
            self.workspace.root,
            {
                f"batches/{digest}/files/1.png": b"picture",
                f"batches/{digest}/listing.jsonl": b"{}\n",
                f"to_label/{digest}/day/_to_label/1.png": b"picture",
            },
        )

    def files(self) -> dict[str, int]:
        """Return the sizes of all files but databases and locks, by path."""
        return {
            path.relative_to(self.workspace.root).as_posix(): path.stat().st_size
            for path in self.workspace.root.rglob("*")
            if path.is_file() and path.suffix != ".sqlite" and path.name != ".lock"
        }

    def kept_runs(self) -> list[str]:
        """Return the runs that are kept in whole."""
        return sorted(path.parent.name for path in self.workspace.runs.glob("*/report.html"))

    def check(self) -> None:
        """Check that nothing names what is not there, as after a kill at any point."""
        for number in self.store.versions():
            self.store.check_files(number)
        for number in self.store.removed_versions():
            self.store.check_files(number)
            assert (self.store.removed / str(number) / PUSH_RECORD).exists()
        for run in self.workspace.runs.glob("*/outputs.json"):
            for uris in read_outputs(run.parent).values():
                assert all(is_whole(Path(uri)) for uri in uris.values()), run
        store = open_store(self.workspace.metadata)
        artifacts = {one.id: one for one in store.get_artifacts()}
        assert all(is_whole(Path(self.workspace.artifact(one.uri))) for one in artifacts.values())
        executions = {one.id for one in store.get_executions()}
        events = store.get_events_by_execution_ids(sorted(executions))
        assert {event.artifact_id for event in events} == set(artifacts)


def is_whole(artifact: Path) -> bool:
    """Return whether an artifact has all its files."""
    return all((artifact / name).exists() for name in ARTIFACT_FILES)


def open_store(database: Path) -> MetadataStore:
    """Open a database with ML Metadata."""
    connection = protos.ConnectionConfig()
    connection.sqlite.filename_uri = str(database)
    return MetadataStore(connection)


def _context(store: MetadataStore, kind: str, name: str) -> int:
    number = store.put_context_type(protos.ContextType(name=kind))
    found = store.get_context_by_type_and_name(kind, name)
    return found.id if found else store.put_contexts([protos.Context(type_id=number, name=name)])[0]


def _artifact(store: MetadataStore, kind: str, uri: str, run_id: str) -> int:
    known = store.get_artifacts_by_uri(uri)
    if known:
        return known[0].id
    write_files(Path(uri), dict.fromkeys(ARTIFACT_FILES, run_id.encode() * 500))
    number = store.put_artifact_type(protos.ArtifactType(name=kind))
    artifact = protos.Artifact(type_id=number, uri=uri, state=protos.Artifact.LIVE)
    artifact.custom_properties["run"].string_value = run_id
    return store.put_artifacts([artifact])[0]


def _event(execution: int, artifact: int, kind: "protos.Event.Type") -> protos.Event:
    event = protos.Event(execution_id=execution, artifact_id=artifact, type=kind)
    event.path.steps.add().key = "key"
    return event
