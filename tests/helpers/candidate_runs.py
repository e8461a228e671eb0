"""Runs of the pipeline whose candidate awaits labels, or is decided on by them."""

import shutil
from pathlib import Path
from typing import Literal

from retraining_site import RetrainingSite
from tiny_pictures import solid, write_files
from tiny_summary import domain, summary
from tiny_workspace import push_copy, shade

from components.image_example_gen.catalog import write_catalog
from components.pusher.version_store import VersionStore
from pipeline import component_ids
from pipeline.config.run_config import RunConfig
from pipeline.inputs.snapshot import Snapshot
from pipeline.summary.run_outputs import write_outputs
from pipeline.summary.summary_schema import Summary
from pipeline.workspace import Workspace

LABELS = ("red", "green", "blue")

#: Options of `retrain` with which a batch without labels is trained on.
OPTIONS = {"unlabelled": "always"}


def deliver_unlabelled(
    site: RetrainingSite, name: str, domain: str = "night", count: int = 36, first: int = 0
) -> None:
    """Deliver pictures without labels; number n has the label n modulo 3."""
    pictures = {
        f"{domain}/_unlabelled/{n}.png": solid(shade(LABELS[n % 3], n))
        for n in range(first, first + count)
    }
    write_files(site.inbox / name, pictures | {"_READY": b""})


def give_labels(site: RetrainingSite, folder: Path, name: str, count: int | None = None) -> int:
    """Deliver the pictures of a folder `_to_label` with labels; return their number."""
    pictures = sorted(folder.glob("*/_to_label/*.png"))[:count]
    for path in pictures:
        label = LABELS[int(path.stem) % 3]
        target = site.inbox / name / path.parent.parent.name / label / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    (site.inbox / name / "_READY").touch()
    return len(pictures)


def to_label(site: RetrainingSite) -> Path:
    """Return the folder of the pictures to label of the first batch."""
    return site.workspace / "to_label" / site.batches()[0].digest


def relabel(site: RetrainingSite, name: str, count: int) -> list[str]:
    """Give the first pictures of a delivery with labels the next label; return their names."""
    names = []
    for path in sorted((site.inbox / name).glob("*/*/*.png"), key=lambda one: one.name)[:count]:
        other = LABELS[(LABELS.index(path.parent.name) + 1) % 3]
        target = path.parent.with_name(other) / path.name
        target.parent.mkdir(exist_ok=True)
        path.rename(target)
        names.append(path.name)
    return names


def contradict(site: RetrainingSite) -> int:
    """Run a pass over two deliveries that give all pictures to label other labels.

    Returns:
        Number of the pictures.
    """
    count = give_labels(site, to_label(site), "mine")
    give_labels(site, to_label(site), "yours")
    relabel(site, "yours", count)
    site.run(**OPTIONS)
    return count


def correct(site: RetrainingSite) -> None:
    """Deliver the batch `yours` of `contradict` again, with the labels of `mine`."""
    shutil.rmtree(site.inbox / "yours")
    give_labels(site, to_label(site), "yours")


class CandidateRuns:
    """Stands for the run of the pipeline. Every run leaves what a later pass reads."""

    def __init__(
        self, site: RetrainingSite, verdict: Literal["pushed", "not_blessed"] = "pushed"
    ) -> None:
        """Say what becomes of a candidate where nothing is unverified.

        Args:
            site: Site of the passes.
            verdict: Status of those runs.
        """
        self._site = site
        self._verdict = verdict
        self.snapshots: list[Snapshot] = []

    def __call__(self, config: RunConfig, workspace: Workspace, snapshot: Snapshot) -> Summary:
        """See `run_snapshot`."""
        self.snapshots.append(snapshot)
        run_id = workspace.new_run(config, snapshot.batch)
        folder = workspace.runs / run_id
        artifact = workspace.artifacts / "Trainer" / "model" / run_id
        shutil.copytree(workspace.root / "model", artifact / "Format-Serving")
        awaits = bool(snapshot.unverified) and config.retrain.unverified == "hold"
        status = "awaiting_labels" if awaits else self._verdict
        store = VersionStore(workspace.root, config.name)
        baseline, version = store.newest(), None
        if status == "pushed":
            push_copy(store, workspace.root / "model", run_id, snapshot.batch)
            version = store.newest()
        catalog = workspace.artifacts / "ImageExampleGen" / "catalog" / run_id
        catalog.mkdir(parents=True)
        write_catalog(str(catalog), "00000-of-00001", [])
        outputs = {
            component_ids.TRAINER: {"model": str(artifact)},
            component_ids.IMAGE_EXAMPLE_GEN: {"catalog": str(catalog)},
        }
        write_outputs(outputs, folder)
        ended = summary(
            run_id=run_id,
            status=status,
            pushed_version=version,
            baseline_version=baseline,
            reasons=["domain 'day': worse"] if status == "not_blessed" else [],
            domains={"day": domain(0.9, 0.9)},
            mean_domain_accuracy=0.9,
            listing=snapshot.path.name,
            unlabelled=snapshot.unlabelled_list,
            unverified={name: list(names) for name, names in snapshot.unverified.items()},
        )
        ended.write(folder)
        return ended
