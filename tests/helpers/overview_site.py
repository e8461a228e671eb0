"""A workspace with two versions, a run with a report and some batches, for the page about it."""

from pathlib import Path
from typing import Any

from tiny_pictures import write_files
from tiny_summary import domain, summary

from components.pusher.version_store import Push, VersionStore
from pipeline.retraining.ledger import Ledger
from pipeline.summary.summary_schema import Domain

#: Name of the model, as in `app_in_thread`.
NAME = "shapes"

#: Ids of the runs that pushed versions 1 and 2.
RUN_1, RUN_2 = "20240101-000000", "20240102-000000"

#: A name that HTML would interpret.
NIGHT = "<b>night"


def make_site(root: Path) -> VersionStore:
    """Make the workspace; version 2 is better by day, and knows two new domains.

    All pictures of one of them, snow, are cross-fitted.
    """
    store = VersionStore(root, NAME)
    push_version(store, RUN_1, None, {"day": 0.8, "fog": 0.7})
    push_version(store, RUN_2, 1, {"day": 0.9, "fog": 0.65, NIGHT: 0.6, "snow": 0.95})
    domains = {
        "day": compared(0.9, 0.8, 0.02),
        "fog": compared(0.65, 0.7, 0.1),
        NIGHT: compared(0.6, 0.4, 0.1),
        "snow": domain(0.95).model_copy(update={"test_images": 45, "cross_fitted_images": 45}),
    }
    add_run(root, RUN_1, pushed_version=1, baseline_version=None)
    add_run(root, RUN_2, domains=domains)
    ledger = Ledger(root)
    add_batch(ledger, "monday", "good_enough", "accuracy 0.9 is good enough")
    add_batch(ledger, "<i>tuesday", "pushed", "", run_id=RUN_2, version=2)
    add_batch(ledger, "wednesday", "rejected", "domain 'day' lost 0.2", run_id="20240103-000000")
    return store


def push_version(
    store: VersionStore, run_id: str, baseline: int | None, accuracies: dict[str, float]
) -> int:
    """Push a version that is no model, and return its number."""
    model = write_files(store.root / "model", {"saved_model.pb": run_id.encode()})
    domains: dict[str, dict[str, Any]] = {
        name: {"accuracy": value, "test_images": 1200.0} for name, value in accuracies.items()
    }
    push = Push(run_id, run_id, "key", baseline, f"2024-01-0{run_id[7]}T08:00:00+00:00", domains)
    return store.push(model, push)


def compared(accuracy: float, baseline: float, width: float) -> Domain:
    """Results in a domain, with intervals that extend this far to both sides."""
    change = accuracy - baseline
    limits = {"accuracy_low": accuracy - width, "accuracy_high": accuracy + width}
    limits |= {"change_low": change - width, "change_high": change + width}
    return domain(accuracy, baseline).model_copy(update={"change": change} | limits)


def add_run(root: Path, run_id: str, **changes: Any) -> Path:
    """Write the summary and the report of a run."""
    folder = write_files(root / "runs" / run_id, {"report.html": f"<p>{run_id}".encode()})
    summary(run_id=run_id, **changes).write(folder)
    return folder


def add_batch(ledger: Ledger, name: str, state: Any, reason: str, **columns: Any) -> None:
    """Add a batch with its final state."""
    batch = ledger.add(name, f"/inbox/{name}", f"digest of {name}", "stamp")
    assert batch
    ledger.finish(batch.number, state, reason, **columns)
