"""Passes over deliveries that hold known pictures: what is decided and told about corrections."""

import shutil

import pytest
from ingesting_pipeline import IngestingPipeline
from retraining_site import CORRECT, WRONG, RetrainingSite
from tiny_pictures import solid, write_files
from tiny_workspace import shade, write_colours

pytestmark = pytest.mark.component


@pytest.fixture(name="pushed")
def _pushed(site: RetrainingSite) -> RetrainingSite:
    """A site whose version 2 was made with 12 pictures of `night`, as delivered in `monday`."""
    write_colours(site.inbox / "monday", "night", WRONG)
    assert site.run(IngestingPipeline()) == 0
    assert site.states() == ["pushed"]
    return site


def write_known(site: RetrainingSite, batch: str, count: int, move: str = "") -> None:
    """Deliver pictures of `monday` with the labels that the model predicts, or elsewhere."""
    files = {}
    for number, (label, predicted) in enumerate(WRONG[:count]):
        folder = f"{move}/{label}" if move else f"night/{predicted}"
        files[f"{folder}/{number}.png"] = solid(shade(predicted, 100 + number))
    write_files(site.inbox / batch, files | {"_READY": b""})


def told(site: RetrainingSite, **options: object) -> str:
    """Return what a dry run says; the pass then says the same."""
    [line] = site.preview(**options)
    return line


def test_corrections_of_enough_pictures_retrain_though_the_model_predicts_them(pushed):
    write_known(pushed, "fix", 6)
    line = told(pushed)
    assert line.startswith("fix: retrain: ")
    assert line.endswith("known pictures: 6 with another label")
    pipeline = IngestingPipeline()
    assert pushed.run(pipeline) == 0
    assert pushed.output.splitlines()[0] == line
    batch = pushed.batches()[-1]
    assert batch.state == "pushed"
    assert batch.reason.endswith("; 6 known pictures with another label")
    night = batch.numbers["night"]
    assert (night["labelled"], night["changed"], night["changed_labels"]) == (6, 6, 6)
    assert [event["event"] for event in pushed.events] == ["taken", "retraining", "pushed"]
    assert {event.get("changed_labels") for event in pushed.events[1:]} == {6}
    rows = [row for row in pipeline.rows() if batch.digest in row["path"]]
    assert len(rows) == 6
    assert {finding.kind for finding in pipeline.snapshots[0].findings} == {"corrections"}


def test_a_few_corrections_wait_with_a_word_and_are_applied_with_the_next_training(pushed):
    write_known(pushed, "fix", 2)
    line = told(pushed)
    assert line.startswith("fix: too_little_data: ")
    assert "known pictures: 2 with another label" in line
    assert line.endswith("The corrections are applied with the next training")
    pushed.run()
    assert pushed.output.splitlines()[0] == line
    write_known(pushed, "more", 4)  # the first two say the same as what waits
    assert told(pushed).startswith("more: retrain: ")
    pipeline = IngestingPipeline()
    pushed.run(pipeline)
    assert pushed.batches()[-1].reason.endswith("; 4 known pictures with another label")


def test_corrections_in_a_batch_that_is_good_enough_wait_with_a_word(pushed):
    write_colours(pushed.inbox / "fix", "night", CORRECT, seed=500)
    write_known(pushed, "fix", 3)
    line = told(pushed)
    assert line.startswith("fix: good_enough: ")
    assert "3 with another label" in line
    assert line.endswith("The corrections are applied with the next training")


def test_corrections_of_labels_that_the_model_has_learnt_are_not_held(site):
    # In the known domain, with labels that contradict the model: 12 pictures that it predicts.
    write_colours(site.inbox / "first", "day", CORRECT, seed=700)
    site.run()
    write_colours(site.inbox / "second", "night", WRONG)
    site.run(IngestingPipeline())  # with the first batch, which waited
    files = {
        f"day/{(predicted == 'red' and 'blue') or 'red'}/{number}.png": solid(
            shade(predicted, 700 + number)
        )
        for number, (_, predicted) in enumerate(CORRECT)
    }
    write_files(site.inbox / "third", files | {"_READY": b""})
    assert told(site).startswith("third: retrain: ")


def test_known_pictures_in_another_domain_are_told(pushed):
    write_known(pushed, "fix", 5, move="dusk")
    line = told(pushed)
    assert line.startswith("fix: retrain: ")
    assert line.endswith("known pictures: 5 in another domain")


def test_a_batch_of_nothing_but_known_pictures_is_a_duplicate(pushed):
    shutil.copytree(pushed.inbox / "monday", pushed.inbox / "part")
    next((pushed.inbox / "part").rglob("*.png")).unlink()
    line = told(pushed)
    assert line.startswith("part: duplicate: ")
    assert "11 known already" in line
    assert pushed.run() == 0
    assert pushed.output.splitlines()[0] == line
    assert pushed.states() == ["pushed", "duplicate"]


def test_new_pictures_among_many_known_ones_are_assessed_by_themselves(pushed):
    shutil.copytree(pushed.inbox / "monday", pushed.inbox / "grown")
    write_colours(pushed.inbox / "grown", "night", CORRECT[:4], seed=300)
    write_files(pushed.inbox / "grown", {"night/red/known.png": b"no picture"})
    line = told(pushed)
    assert "4 labelled" in line
    assert "8 known already" in line  # four files were overwritten
    assert "accuracy of the serving model 1.000" in line


def test_a_corrected_redelivery_is_assessed_as_a_whole_and_trained_on(pushed):
    shutil.rmtree(pushed.inbox / "monday")
    labels = [
        (predicted if n < 3 else label, predicted) for n, (label, predicted) in enumerate(WRONG)
    ]
    write_colours(pushed.inbox / "monday", "night", labels)
    line = told(pushed)
    assert line.startswith("monday: retrain: ")
    assert "12 labelled" in line
    assert "3 with another label" in line
    pipeline = IngestingPipeline()
    pushed.run(pipeline)
    first, second = pushed.batches()
    assert (first.replaced_by, second.state) == (second.number, "pushed")
    folders = [row["path"].split("/")[1] for row in pipeline.rows() if "night" in row["domain"]]
    assert folders == [second.digest] * 12
    assert second.reason.endswith("; 3 known pictures with another label")


def test_a_redelivery_that_only_omits_pictures_says_so(pushed):
    [gone, *_] = sorted((pushed.inbox / "monday").rglob("*.png"))
    gone.unlink()
    (pushed.inbox / "monday" / "_READY").touch()
    line = told(pushed)
    assert "1 not in the new delivery" in line
    pushed.run(IngestingPipeline())
    assert "1 not in the new delivery" in pushed.output
    assert pushed.events[-1]["not_delivered_again"] == 1
