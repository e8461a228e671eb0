"""A workspace of three versions whose lists, catalogs, listings and batches name its pictures."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from old_workspace import OldWorkspace
from tiny_pictures import write_files

from components.evaluation.predictions import stored_predictions
from components.image_example_gen import catalog
from components.image_example_gen.splits import name_digest
from components.pusher import data_set
from pipeline.retention.kept_state import list_runs
from pipeline.retraining.ledger import Ledger
from pipeline.summary.run_outputs import read_outputs
from pipeline.summary.summary_schema import Summary
from trainer_module.contract.model_assets import LABEL_ISSUES, PICTURES, TEST_PREDICTIONS
from trainer_module.contract.workspace_files.array_files import write_arrays
from trainer_module.label_issues.label_issues import LabelIssues

#: Batch -> names of its pictures; all have the group of their first letter but for the digits.
BATCHES = {
    "monday": ("night/cat/ann-1.png", "night/cat/ann-2.png", "night/dog/bob-1.png"),
    "tuesday": ("night/cat/eve-1.png", "night/dog/eve-2.png"),
}

#: Pictures of the first run, relative to its data.
DATA = ("day/cat/kim-1.png", "day/dog/lea-1.png", "day/dog/lea-2.png")


def content(name: str) -> bytes:
    """Return the bytes of a picture."""
    return f"the pixels of {name}\n".encode() * 20


def digest(name: str) -> bytes:
    """Return the digest of a picture, as lists have it."""
    return hashlib.sha256(content(name)).digest()[:16]


def group_of(name: str) -> str:
    """Return the group of a picture: the name of a person."""
    return Path(name).stem.partition("-")[0]


class PicturedWorkspace:
    """Version 1 is of data outside the workspace, 2 of the batch `monday`, 3 of `tuesday`."""

    def __init__(self, folder: Path) -> None:
        """Write the workspace, unless it is there.

        Args:
            folder: Folder for `workspace` and `data`.
        """
        self.data = folder / "data"
        self.old = OldWorkspace(folder / "workspace", weights=2000)
        self.workspace, self.store = self.old.workspace, self.old.store
        self.old.runs = list_runs(self.workspace)
        if self.old.runs:
            return
        write_files(self.data, {name: content(name) for name in DATA})
        rows = [
            self._row(str(self.data / name), name, split)
            for name, split in zip(DATA, ("train", "eval", "test"), strict=True)
        ]
        self._add_run(rows, rows, str(self.data))
        for batch, names in BATCHES.items():
            rows = rows + self._deliver(batch, names)
            self._add_run(rows, rows, str(self.workspace.root), _batch_digest(batch))

    @property
    def ledger(self) -> Ledger:
        """Ledger of the workspace."""
        return Ledger(self.workspace.root)

    def locations(self, version: int) -> set[str]:
        """Return the names of the pictures in the list of a version."""
        rows = pq.read_table(self.store.path(version) / PICTURES).to_pylist()
        known = {digest(name): name for name in (*DATA, *sum(BATCHES.values(), ()))}
        return {known[row["content"]] for row in rows}

    def names(self) -> set[str]:
        """Return the files that hold the content or the name of any person, relative."""
        root = self.workspace.root
        return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}

    def files_with(self, *texts: bytes) -> set[str]:
        """Return the files that hold one of some texts as they are."""
        root = self.workspace.root
        return {
            name
            for name in self.names()
            if any(text in (root / name).read_bytes() for text in texts)
        }

    def _deliver(self, batch: str, names: tuple[str, ...]) -> list[dict[str, Any]]:
        key = _batch_digest(batch)
        rows, files, listed = [], {}, []
        for number, name in enumerate(names):
            sha256 = hashlib.sha256(content(name)).hexdigest()
            path = f"files/{sha256[:2]}/{sha256}.png"
            files[f"batches/{key}/{path}"] = content(name)
            row = {"path": path, "name": name, "sha256": sha256, "group": group_of(name)}
            listed.append(row | {"domain": "night", "label": name.split("/")[1]})
            split = ("train", "test")[number % 2]
            rows.append(self._row(f"batches/{key}/{path}", name, split))
        text = "".join(f"{json.dumps(row, sort_keys=True)}\n" for row in listed)
        files[f"batches/{key}/listing.jsonl"] = text.encode()
        files[f"to_label/{key}/night/_to_label/1.png"] = content(names[0])
        write_files(self.workspace.root, files)
        added = self.ledger.add(batch, f"/inbox/{batch}", key, "stamp")
        assert added is not None
        version = (self.store.newest() or 0) + 1
        self.ledger.finish(added.number, "pushed", f"like {names[0]}", version=version)
        return rows

    def _row(self, location: str, name: str, split: str) -> dict[str, Any]:
        group = name_digest(group_of(name))
        found = {"location": location.encode(), "domain": name.split("/")[0], "split": split}
        return found | {"label": name.split("/")[1], "content": digest(name), "group": group}

    def _add_run(
        self, read: list[dict[str, Any]], known: list[dict[str, Any]], root: str, batch: str = ""
    ) -> None:
        """Add a run that pushes a version, with all that names its pictures."""
        run_id = self.old.add_run("pushed", batch=batch)
        if batch:
            self.ledger.update(self.ledger.batches()[-1].number, run_id=run_id)
        folder = self.workspace.runs / run_id
        ids = [row["location"].decode().removeprefix(f"{root}/") for row in read]
        summary = Summary.read(folder)
        lines = [json.dumps({"path": one, "domain": "d", "label": "l"}) for one in ids]
        (self.workspace.inputs / summary.listing).write_text("\n".join([*lines, ""]))
        reasons = [f"a mistake: {ids[-1]}, as expected"]
        summary.model_copy(update={"data_root": root, "reasons": reasons}).write(folder)
        rows = [{**row, "image_id": one.encode()} for row, one in zip(read, ids, strict=True)]
        outputs = read_outputs(folder)["ImageExampleGen"]
        table = pa.Table.from_pylist(rows, catalog.SCHEMA)
        pq.write_table(table, Path(outputs["catalog"], "pictures-00000.parquet"))
        Path(outputs["examples"], "part-0").write_bytes(b"".join(row["content"] for row in rows))
        version = self.store.path(self.store.newest() or 0)
        pq.write_table(pa.Table.from_pylist(known, data_set.SCHEMA), version / PICTURES)
        tested = [row for row in read if row["split"] == "test"]
        predictions = pa.Table.from_pylist(tested, stored_predictions.SCHEMA)
        pq.write_table(predictions, version / TEST_PREDICTIONS)
        texts = [one.encode() for one in ids]
        columns = {"domains": ids, "labels": ids, "suggested": ids, "qualities": range(len(ids))}
        issues = LabelIssues(image_ids=texts, **columns)  # type: ignore[arg-type]
        write_arrays(str(version), LABEL_ISSUES, vars(issues))


def _batch_digest(batch: str) -> str:
    return hashlib.sha256(batch.encode()).hexdigest()[:16]
