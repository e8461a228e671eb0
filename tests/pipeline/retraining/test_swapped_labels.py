"""Passes over corrections that are taken back: the newest delivery of a picture wins."""

import pytest
from ingesting_pipeline import IngestingPipeline
from retraining_site import WRONG, RetrainingSite
from tiny_pictures import solid, write_files
from tiny_workspace import shade, write_colours

from pipeline.retraining.deliveries.batch_store import BatchStore

pytestmark = pytest.mark.component

#: Number of pictures that are corrected: too few for a training of their own.
COUNT = 3


def deliver_known(site: RetrainingSite, batch: str, folder: str) -> None:
    """Deliver the first pictures of `monday` again.

    Args:
        site: Site.
        batch: Name of the delivery.
        folder: Domain and class, in which `{label}` stands for the label of `monday`, and
            `{predicted}` for another one.
    """
    files = {}
    for number, (label, predicted) in enumerate(WRONG[:COUNT]):
        path = folder.format(label=label, predicted=predicted)
        files[f"{path}/{number}.png"] = solid(shade(predicted, 100 + number))
    write_files(site.inbox / batch, files | {"_READY": b""})


@pytest.mark.parametrize(
    ("first", "then", "changed"),
    [
        ("night/{predicted}", "night/{label}", {}),
        ("fog/{label}", "night/{label}", {}),
        ("night/{predicted}", "fog/{label}", {"changed_domains": COUNT}),
        ("fog/{predicted}", "night/{predicted}", {"changed_labels": COUNT}),
    ],
)
def test_a_correction_that_a_later_batch_takes_back_is_not_applied(site, first, then, changed):
    write_colours(site.inbox / "monday", "night", WRONG)
    assert site.run(IngestingPipeline()) == 0
    for batch, folder in (("fix", first), ("back", then)):
        deliver_known(site, batch, folder)
        assert site.run() == 0
    write_colours(site.inbox / "tuesday", "night", WRONG, seed=300)
    pipeline = IngestingPipeline()
    assert site.run(pipeline) == 0
    assert site.states()[-1] == "pushed"
    folder, label = then.split("/")
    kept = {
        f"{number}.png": (folder, told if label == "{label}" else predicted)
        for number, (told, predicted) in enumerate(WRONG[:COUNT])
    }
    digests = [batch.digest for batch in site.batches() if batch.name in ("fix", "back")]
    corrected = [row for row in pipeline.rows() if any(digest in row["path"] for digest in digests)]
    said = {delivered_name(site, row["path"]): (row["domain"], row["label"]) for row in corrected}
    assert said == (kept if changed else {})
    told = site.batches()[-1].reason
    assert ("known pictures with another label" in told) == ("changed_labels" in changed)
    assert ("in another domain" in told) == ("changed_domains" in changed)


def delivered_name(site: RetrainingSite, path: str) -> str:
    """Return the name that a picture of a batch was delivered under."""
    store = BatchStore(site.workspace / "batches")
    names = {row["path"]: row["name"] for one in site.batches() for row in store.read(one.digest)}
    return names[path].split("/")[-1]
