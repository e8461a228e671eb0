"""One pass over the inbox: take what is complete, decide, train, and note what became of it."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from components.pusher.version_store import VersionStore
from pipeline.config.config_file import load_config
from pipeline.config.run_config import RunConfig
from pipeline.inputs.snapshot import Snapshot
from pipeline.retraining.batch_decision import pseudo_labels
from pipeline.retraining.batch_store import BatchChangedError, copy_batch
from pipeline.retraining.inbox import Delivery, find_deliveries, inbox_of, stamp
from pipeline.retraining.judging import judge
from pipeline.retraining.ledger import OPEN, Entry, Ledger, State
from pipeline.retraining.notices import Notices
from pipeline.running.beam_runner_check import check_engine
from pipeline.running.join_command import lead_others
from pipeline.running.local_run import RunFailedError, run_snapshot
from pipeline.running.logs import captured_output
from pipeline.summary.summary_schema import Summary
from pipeline.version_lookup import find_store, serving_version
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError

EXIT_DONE, EXIT_FAILED, EXIT_REJECTED = 0, 1, 3


@dataclass
class Pass:
    """A pass, while it lasts.

    Attributes:
        config: of the runs.
        workspace: that the config names.
        store: of the model's versions.
        ledger: of the workspace.
        notices: who is told.
        console: for people.
    """

    config: RunConfig
    workspace: Workspace
    store: VersionStore
    ledger: Ledger
    notices: Notices
    console: Console

    @property
    def log(self) -> Path:
        """For what TensorFlow and Beam say when they are imported."""
        return self.workspace.log("retrain")

    def say(self, text: str) -> None:
        """Print a line for people."""
        self.console.print(escape(text), highlight=False, soft_wrap=True)


def retrain_config(
    workspace: Path, name: str | None, path: Path | None, overrides: list[str], inbox: Path | None
) -> RunConfig:
    """The config of retraining: that of the run whose model serves, with what is given on top.

    Args:
        workspace: that the model serves from.
        name: of the model; needed where there are several.
        path: YAML file that takes the place of that run's config.
        overrides: `key=value` texts.
        inbox: that batches arrive in.

    Raises:
        InputError: no model serves, or a config that cannot be used.
    """
    store = find_store(workspace, name)
    version = serving_version(store)
    path = path or store.root / "runs" / store.read_push(version).run_id / "config.yaml"
    if not path.exists():
        raise InputError(f"{path} is gone. Give the config of retraining with --config FILE.")
    given = [*overrides, *([f"retrain.inbox={inbox.resolve()}"] if inbox else [])]
    config = load_config(path, given, {"workspace": store.root, "name": store.name})
    return config.resolved()


def retrain(config: RunConfig, notices: Notices) -> int:
    """Take every complete batch from the inbox, and bring all that are open to their end.

    One batch is one decision, and at most one run and one version: so it is known which batch a
    version came from. What a killed pass left open is brought to its end by the next one.

    Args:
        config: see `retrain_config`.
        notices: who is told.

    Returns:
        Exit code: 0, 3 when a candidate was rejected, 1 when a run failed.

    Raises:
        InputError: there is no inbox, an engine cannot be reached, the workspace is in use, or
            another process leads.
    """
    workspace = Workspace(config.workspace)
    inbox = inbox_of(config.retrain)
    check_engine(config.beam)  # before a batch is taken: it is not to blame
    with workspace.lock():
        lead_others(workspace)
        store = VersionStore(workspace.root, config.name)
        this = Pass(config, workspace, store, Ledger(workspace.root), notices, Console())
        try:
            for delivery in find_deliveries(inbox, config.retrain.quiet_seconds):
                _take(delivery, this)
        finally:  # what was taken before does not wait for the inbox to come back
            opened = [entry for entry in this.ledger.entries() if entry.state == OPEN]
            codes = [_process(entry, this) for entry in opened]
        if not codes:
            this.say(f"nothing to do in {inbox}")
    return next((code for code in (EXIT_FAILED, EXIT_REJECTED) if code in codes), EXIT_DONE)


def _take(delivery: Delivery, this: Pass) -> None:
    """Copy a batch and enter it into the ledger, if it is complete and new."""
    refused = ""
    try:
        if not delivery.complete:
            this.say(f"{delivery.name}: not complete yet")
            return
        found = stamp(delivery.path)
        if this.ledger.knows(delivery.name, found):
            return
        try:
            with captured_output(this.log):
                digest, found = copy_batch(delivery, this.workspace.batches)
        except InputError as error:  # a manifest that cannot be read has no content to be known by
            digest, refused = found, str(error)
    except BatchChangedError:
        this.say(f"{delivery.name}: changed while it was copied; the next pass takes it")
        return
    except FileNotFoundError:
        this.say(f"{delivery.name}: vanished while it was copied")
        return
    entry = this.ledger.take(delivery.name, str(delivery.path), digest, found)
    if entry:
        this.notices.tell("taken", batch=entry.name, number=entry.number, state=entry.state)
        if refused:
            _finish(entry, "held", refused, this)
        elif entry.state != OPEN:
            this.say(f"{entry.name}: {entry.state}: {entry.reason}")


def _process(entry: Entry, this: Pass) -> int:
    """Bring a batch to its end; returns an exit code."""
    pushed = this.store.find_batch(entry.digest)
    if pushed is not None:  # by a pass that was killed before it could say so
        return _finish(entry, "pushed", f"version {pushed}", this, version=pushed)
    try:
        return _decide_and_train(entry, this)
    except InputError as error:
        return _finish(entry, "held", str(error), this)
    except (RunFailedError, OSError) as error:
        attempts = entry.attempts + 1
        if attempts >= this.config.retrain.attempts:
            return _finish(entry, "failed", str(error), this, attempts=attempts)
        this.ledger.note(entry.number, attempts=attempts, reason=str(error))
        this.say(f"{entry.name}: {error}; the next pass tries again")
        this.notices.tell("failed", batch=entry.name, reason=str(error), gives_up=False)
        return EXIT_FAILED


def _decide_and_train(entry: Entry, this: Pass) -> int:
    with captured_output(this.log):
        from pipeline.retraining.training_set import compose, gather

    model = this.store.path(serving_version(this.store))
    material = gather(entry, this.ledger.entries(), model, this.workspace)
    waiting = Counter(row["domain"] for row in material.waiting if row["label"])
    assessed, verdict = judge(material.batch, this.workspace.root, waiting, this.config)
    numbers = {name: one.model_dump() for name, one in assessed.domains.items()}
    this.ledger.note(entry.number, numbers=numbers)
    if verdict.decision != "retrain":
        return _finish(entry, verdict.decision, verdict.reason, this)
    this.say(f"{entry.name}: retrain: {verdict.reason}")
    this.notices.tell("retraining", batch=entry.name, number=entry.number, reason=verdict.reason)
    labels = pseudo_labels(assessed, this.config.retrain)
    return _train(entry, compose(material, this.workspace, this.config, labels), this)


def _train(entry: Entry, snapshot: Snapshot, this: Pass) -> int:
    summary = run_snapshot(this.config, this.workspace, snapshot)
    facts = {"run_id": summary.run_id, "version": summary.pushed_version}
    if summary.status == "pushed":
        return _finish(entry, "pushed", _gain(summary), this, **facts)
    return _finish(entry, "rejected", "; ".join(summary.reasons), this, **facts)


def _gain(summary: Summary) -> str:
    """What a version changed, in words: the domain that gained most and the one that lost most."""
    changes = {
        name: domain.accuracy - domain.baseline_accuracy
        for name, domain in summary.domains.items()
        if domain.baseline_accuracy is not None
    }
    if not changes:
        return f"version {summary.pushed_version}"
    most, least = (pick(changes, key=changes.__getitem__) for pick in (max, min))
    words = [f"'{name}' {changes[name]:+.3f}" for name in dict.fromkeys((most, least))]
    return f"{' to '.join(words)}, mean {summary.mean_domain_accuracy:.3f}"


def _finish(entry: Entry, state: State, reason: str, this: Pass, **facts: Any) -> int:
    """Note the end of a batch, and tell of it; returns an exit code."""
    this.ledger.finish(entry.number, state, reason, **facts)
    this.notices.tell(state, batch=entry.name, number=entry.number, reason=reason, **facts)
    this.say(f"{entry.name}: {state}: {reason}")
    return {"rejected": EXIT_REJECTED, "failed": EXIT_FAILED}.get(state, EXIT_DONE)
