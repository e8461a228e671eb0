"""Judges a batch with the model that serves now; also for a look ahead that changes nothing."""

import tempfile
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from components.pusher.version_store import VersionStore
from pipeline.config.run_config import RunConfig
from pipeline.retraining.assessment import Assessed, assess
from pipeline.retraining.batch_decision import Verdict, decide
from pipeline.retraining.batch_store import Row, copy_batch, read_batch
from pipeline.retraining.inbox import READY, Delivery, find_deliveries, inbox_of, stamp
from pipeline.retraining.ledger import Ledger
from pipeline.running.logs import captured_output
from pipeline.version_lookup import serving_version
from pipeline.workspace import Workspace


def judge(
    rows: list[Row], root: Path, waiting: dict[str, int], config: RunConfig
) -> tuple[Assessed, Verdict]:
    """Assess a batch with the model that serves, and decide on it.

    Args:
        rows: of the batch.
        root: that their paths are relative to.
        waiting: labelled pictures per domain that wait for a training.
        config: of the runs.

    Raises:
        InputError: no version serves.
    """
    store = VersionStore(config.workspace, config.name)
    version = serving_version(store)
    with captured_output(Workspace(config.workspace).log("retrain")):
        options = config.retrain
        sample, everything = options.assessed_per_domain, options.self_training
        assessed = assess(rows, root, store.path(version), sample, everything)
    tested = {name: row["accuracy"] for name, row in store.read_push(version).domains.items()}
    return assessed, decide(assessed, waiting, tested, options)


def preview(config: RunConfig, console: Console) -> None:
    """Say what a pass would do with every batch in the inbox, and why. Nothing is changed.

    Args:
        config: of the runs.
        console: for people.

    Raises:
        InputError: there is no inbox.
    """
    ledger = Ledger(config.workspace)
    for delivery in find_deliveries(inbox_of(config.retrain), config.retrain.quiet_seconds):
        if ledger.knows(delivery.name, stamp(delivery.path)):
            continue
        verdict = _foreseen(delivery, config)
        console.print(escape(f"{delivery.name}: {verdict}"), highlight=False, soft_wrap=True)


def _foreseen(delivery: Delivery, config: RunConfig) -> str:
    if not delivery.complete:
        return f"waits: it has no {READY}, and has changed lately"
    with tempfile.TemporaryDirectory(prefix="carryover-") as folder:
        batches = Path(folder, "batches")
        with captured_output(Workspace(config.workspace).log("retrain")):
            digest, _ = copy_batch(delivery, batches)
        _, verdict = judge(read_batch(batches, digest), batches.parent, {}, config)
    return f"{verdict.decision}: {verdict.reason}"
