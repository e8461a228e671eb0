"""What a retraining reads: the batch, and enough of what the model knows not to forget it."""

import os
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa

from components.image_example_gen.splits import DIGEST_BYTES
from components.pusher.data_set import read_data_set
from pipeline.config.retraining_options import RetrainOptions
from pipeline.config.run_config import RunConfig
from pipeline.inputs.manifest import look_up
from pipeline.inputs.snapshot import Snapshot, write_listing
from pipeline.retraining.batch_store import Row, read_batch
from pipeline.retraining.ledger import WAITING, Entry
from pipeline.workspace import Workspace
from trainer_module.contract import example_features
from trainer_module.contract.errors import InputError
from trainer_module.contract.locations import is_uri, locate

#: Eval pictures of every domain so far, as a share of the training pictures that are rehearsed.
EVAL_SHARE = 0.4

#: Of a row of a batch, what the listing says.
KEYS = ("path", "domain", "label", "split", "group", "reason")


@dataclass(frozen=True)
class Material:
    """What a retraining may draw on.

    Attributes:
        entry: the batch.
        entries: all batches.
        model: folder of the version that serves.
        known: its data set; None where the version came without a list.
        batch: rows of the batch.
        waiting: rows of earlier batches that nothing was trained on yet.
    """

    entry: Entry
    entries: list[Entry]
    model: Path
    known: pa.Table | None
    batch: list[Row]
    waiting: list[Row]

    def joining(self, least: int) -> list[Row]:
        """Rows to train on for the first time: those of the batch, and those that wait.

        Waiting rows of a domain that is new and has too few of them go on waiting: on its one or
        two test pictures no candidate could be told from the model that serves.

        Args:
            least: labelled pictures that a new domain needs.
        """
        batch = _unseen(self.batch, self.known)
        counts = Counter(row["domain"] for row in batch + self.waiting if row["label"])
        known = (
            set(self.known[example_features.DOMAIN].to_pylist())
            if self.known is not None
            else set()
        )
        return batch + [
            row for row in self.waiting if row["domain"] in known or counts[row["domain"]] >= least
        ]


def gather(entry: Entry, entries: list[Entry], model: Path, workspace: Workspace) -> Material:
    """Read the batch, what waits, and what the version that serves was trained on.

    Args:
        entry: the batch.
        entries: all batches.
        model: folder of the version that serves.
        workspace: that the batches are in.
    """
    known = read_data_set(model)
    rows = [
        row
        for one in entries
        if one.replaced_by is None and one.state in WAITING and one.number != entry.number
        for row in read_batch(workspace.batches, one.digest)
    ]
    batch = read_batch(workspace.batches, entry.digest)
    return Material(entry, entries, model, known, batch, _unseen(rows, known))


def compose(
    material: Material,
    workspace: Workspace,
    config: RunConfig,
    pseudo_labels: dict[str, str] | None = None,
) -> Snapshot:
    """Put the listing of a retraining together.

    Of every domain so far: all test pictures, so that the gate sees each of them, and a sample of
    the training and eval pictures with the same share of every class. The sample is always the
    same, whatever the batch. A picture keeps the split that it had.

    Args:
        material: see `gather`.
        workspace: that the batches are in.
        config: of the run.
        pseudo_labels: path -> class of unlabelled pictures that join the training.

    Raises:
        InputError: the version came without a list of its pictures.
    """
    if material.known is None:
        raise InputError(
            f"{material.model} was pushed by an earlier carryover, without the list of its "
            "pictures. Run carryover run once."
        )
    entries = material.entries
    gone = {_prefix(one) for one in entries if one.replaced_by is not None}
    old = [row for row in material.known.to_pylist() if _batch_prefix(row["location"]) not in gone]
    pseudo_labels = pseudo_labels or {}
    new = [
        _new_row(row, config, workspace, pseudo_labels)
        for row in material.joining(config.retrain.min_pictures)
        if row["label"] or "reason" in row or row["path"] in pseudo_labels
    ]
    current = [one for one in entries if one.replaced_by is None]
    stale = _outside_of_window(current, config.retrain)
    rehearsed = _rehearsed(old, stale, config.retrain)
    rows = [_old_row(row, workspace.root) for row in rehearsed] + new
    entry = material.entry
    snapshot = write_listing(rows, str(workspace.root), entry.name, workspace.inputs)
    return replace(snapshot, batch=entry.digest, fresh=_folders(new))


def _unseen(rows: list[Row], table: pa.Table | None) -> list[Row]:
    """Those whose content is not in a data set."""
    known = set(table["content"].to_pylist()) if table is not None else set()
    return [row for row in rows if bytes.fromhex(row["sha256"])[:DIGEST_BYTES] not in known]


def _rehearsed(
    old: list[dict[str, Any]], stale: set[bytes], options: RetrainOptions
) -> list[dict[str, Any]]:
    """All test pictures, and a sample of the others."""
    budgets = {
        "train": options.rehearsal_per_domain,
        "eval": max(1, round(options.rehearsal_per_domain * EVAL_SHARE)),
    }
    kept = [row for row in old if row["split"] == "test"]
    groups: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in old:
        if row["split"] != "test" and _batch_prefix(row["location"]) not in stale:
            groups[(row["split"], row[example_features.DOMAIN])].append(row)
    for (split, _), rows in sorted(groups.items()):
        kept += balanced_sample(rows, budgets[split])
    return kept


def balanced_sample(rows: Iterable[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """At most so many rows, equally many of every class as far as there are.

    A hash of their content decides which: more rows move few of those that were chosen before.
    """
    by_label: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row["content"], row["location"])):
        by_label[row[example_features.LABEL]].append(row)
    turns = [
        (place, label, row) for label, own in by_label.items() for place, row in enumerate(own)
    ]
    turns.sort(key=lambda turn: turn[:2])
    return [row for _, _, row in turns[:count]]


def _outside_of_window(entries: list[Entry], options: RetrainOptions) -> set[bytes]:
    """Where pictures lie that are too old to be trained on again."""
    if options.window == "all":
        return set()
    pushed = [entry for entry in entries if entry.version is not None]
    return {_prefix(entry) for entry in pushed[: max(0, len(pushed) - options.window)]}


def _folders(rows: list[Row]) -> tuple[str, ...]:
    """The folders of batches that rows are in, sorted."""
    return tuple(sorted({"/".join(row["path"].split("/", 2)[:2]) for row in rows}))


def _prefix(entry: Entry) -> bytes:
    return f"batches/{entry.digest}".encode()


def _batch_prefix(location: bytes) -> bytes:
    """The folder of the batch that a picture came with, or what is in its place."""
    return b"/".join(location.split(b"/", 2)[:2])


def _old_row(row: dict[str, Any], root: Path) -> Row:
    path = os.fsdecode(row["location"])
    return _with_file(
        {
            "path": path,
            "domain": row[example_features.DOMAIN],
            "label": row[example_features.LABEL],
            "split": row["split"],
        },
        root,
    )


def _new_row(
    row: Row, config: RunConfig, workspace: Workspace, pseudo_labels: dict[str, str]
) -> Row:
    listed = {key: row[key] for key in KEYS if key in row}
    if row["path"] in pseudo_labels:
        listed |= {"label": pseudo_labels[row["path"]], "split": "train"}
    if config.split.group_by == "stem" and "group" not in listed:
        listed["group"] = PurePosixPath(row["name"]).stem  # our copy has another name
    return _with_file(listed, workspace.root)


def _with_file(row: Row, root: Path) -> Row:
    """With size and time of the file, or the reason why it cannot be opened."""
    unknown = row | {"bytes": 0, "modified": 0}
    if is_uri(row["path"]) or "reason" in row:
        return unknown
    return unknown | look_up(locate(str(root), row["path"]))
