import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tiny_pictures import solid, write_files

from components.data_gate.validation_options import ValidationOptions
from components.image_example_gen import splits
from components.pusher.data_set import SCHEMA
from pipeline.config.run_config import RunConfig
from pipeline.retraining.batch import Batch
from pipeline.retraining.pictures.replay import balanced_sample
from pipeline.retraining.training_set import TrainingSet
from pipeline.workspace import Workspace
from trainer_module.contract.errors import UnavailableError
from trainer_module.contract.model_assets import PICTURES
from trainer_module.cross_fitting.out_of_fold import OutOfFold

pytestmark = pytest.mark.component

RED = solid("red")


def batch(number: int, digest: str, **changes: Any) -> Batch:
    made = Batch(
        number, f"batch {number}", "", digest, "", "", "taken", "", {}, None, None, 0, None, None
    )
    return replace(made, **changes)


def old_row(
    location: str, domain: str, label: str, split: str, group: str | None = None
) -> dict[str, Any]:
    content = splits.digest(location.encode())
    values = (location.encode(), domain, label, split, content)
    values = (*values, splits.digest(group.encode()) if group else content)
    return dict(zip(SCHEMA.names, values, strict=True))


def write_batch(workspace: Workspace, digest: str, rows: list[dict[str, Any]]) -> None:
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    write_files(workspace.batches / digest, {"files/a.png": RED, "listing.jsonl": lines.encode()})


def new_row(name: str, label: str = "cat", **changes: Any) -> dict[str, Any]:
    sha256 = hashlib.sha256(name.encode()).hexdigest()
    row = {"path": "files/a.png", "name": name, "domain": "night", "label": label}
    return row | {"sha256": sha256} | changes


@pytest.fixture(name="workspace")
def _workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace")


@pytest.fixture(name="model")
def _model(workspace: Workspace) -> Path:
    """A version that was made from 12 training and 5 test pictures of day, and a batch of fog."""
    rows = [old_row(f"gs://data/day/cat/{n}.png", "day", "cat", "train") for n in range(10)]
    rows += [old_row(f"gs://data/day/dog/{n}.png", "day", "dog", "train") for n in range(2)]
    rows += [old_row(f"gs://data/day/cat/{n}.png", "day", "cat", "test") for n in range(10, 15)]
    rows += [old_row(f"batches/old/files/{n}.png", "fog", "cat", "train") for n in range(3)]
    rows += [old_row("batches/old/files/9.png", "fog", "cat", "test")]
    write_batch(workspace, "old", [new_row("9.png", domain="fog")])
    write_files(workspace.root, {f"batches/old/files/{n}.png": RED for n in (0, 1, 2, 9)})
    folder = workspace.root / "serving" / "m" / "1"
    (folder / PICTURES).parent.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), folder / PICTURES)
    return folder


def listed(
    workspace: Workspace, model: Path, batches: list[Batch], **settings: Any
) -> list[dict[str, Any]]:
    config = RunConfig(data="/data", workspace=workspace.root, **settings)
    training_set = TrainingSet.read(batches[-1], batches, model, workspace, config.validation)
    snapshot = training_set.write(config)
    assert snapshot.batch == batches[-1].digest
    assert snapshot.data_root == str(workspace.root)
    return [json.loads(line) for line in snapshot.path.read_text().splitlines()]


def test_a_sample_of_known_domains_is_replayed_and_all_their_test_pictures_are_listed(
    workspace, model
):
    write_batch(workspace, "new", [new_row("1.png"), new_row("2.png")])
    rows = listed(workspace, model, [batch(1, "new")], retrain={"replay_per_domain": 4})
    day = [row for row in rows if row["domain"] == "day"]
    assert sum(row["split"] == "test" for row in day) == 5
    train = [row["label"] for row in day if row["split"] == "train"]
    assert sorted(train) == ["cat", "cat", "dog", "dog"]
    assert sum(row["domain"] == "fog" and row["split"] == "train" for row in rows) == 3
    night = [row for row in rows if row["domain"] == "night"]
    assert len(night) == 2
    assert not any("split" in row for row in night)  # ingestion decides
    assert all(row["known"] for row in day)
    assert {row["bytes"] for row in night} == {len(RED)}


def test_a_picture_that_does_not_exist_any_more_is_listed_with_the_reason(workspace, model):
    write_batch(workspace, "new", [new_row("1.png")])
    (workspace.root / "batches/old/files/0.png").unlink()
    rows = listed(workspace, model, [batch(1, "new")], validation={"max_rejected": 0.25})
    [gone] = [row for row in rows if "reason" in row]
    assert (gone["path"], gone["domain"]) == ("batches/old/files/0.png", "fog")
    assert gone["reason"] == "cannot be opened: No such file or directory"


def test_waiting_batches_are_trained_on_and_rejected_ones_are_not(workspace, model):
    for digest in ("small", "bad", "new"):
        write_batch(workspace, digest, [new_row(f"{digest}.png", domain=digest)])
    batches = [
        batch(1, "small", state="too_little_data"),
        batch(2, "bad", state="rejected"),
        batch(3, "new"),
    ]
    rows = listed(workspace, model, batches, retrain={"min_pictures": 1})
    assert {row["domain"] for row in rows} == {"day", "fog", "small", "new"}


def test_a_new_domain_with_too_few_pictures_waits_and_a_known_one_is_trained_on(workspace, model):
    write_batch(workspace, "few", [new_row("1.png", domain="few")])
    write_batch(workspace, "known", [new_row("2.png", domain="fog")])
    write_batch(workspace, "new", [new_row("3.png", domain="new")])
    states = {"few": "too_little_data", "known": "too_little_data", "new": "taken"}
    batches = [batch(n, name, state=state) for n, (name, state) in enumerate(states.items(), 1)]
    new = [row for row in listed(workspace, model, batches) if "split" not in row]
    assert sorted(row["domain"] for row in new) == ["fog", "new"]
    new = [
        row
        for row in listed(workspace, model, batches, retrain={"min_pictures": 1})
        if "split" not in row
    ]
    assert sorted(row["domain"] for row in new) == ["few", "fog", "new"]


@pytest.mark.parametrize("allow", [(), ("new_class",)])
def test_pictures_of_waiting_batches_that_would_stop_the_run_are_left_out(workspace, model, allow):
    waiting = [
        new_row("good.png"),
        new_row("damaged.png", sha256="", reason="damaged"),
        new_row("owl.png", label="owl"),
        new_row("unlabelled.png", label=""),
    ]
    write_batch(workspace, "small", waiting)
    write_batch(workspace, "new", [new_row("1.png")])
    batches = [batch(1, "small", state="too_little_data"), batch(2, "new")]
    validation = ValidationOptions(allow=allow)
    training_set = TrainingSet.read(batches[1], batches, model, workspace, validation)
    names = {row["name"] for row in training_set.new_rows(min_pictures=1)}
    assert names == {"1.png", "good.png", "unlabelled.png"} | ({"owl.png"} if allow else set())


def test_a_correction_to_an_unknown_class_that_waits_does_not_replace_the_known_picture(
    workspace, model
):
    known = old_row("gs://data/day/cat/0.png", "day", "cat", "train")
    corrected = new_row("0.png", label="owl", sha256=known["content"].hex() + "00" * 16)
    write_batch(workspace, "small", [corrected])
    write_batch(workspace, "new", [new_row("1.png")])
    batches = [batch(1, "small", state="too_little_data"), batch(2, "new")]
    rows = listed(workspace, model, batches)
    assert "gs://data/day/cat/0.png" in {row["path"] for row in rows}
    assert "owl" not in {row["label"] for row in rows}


def test_a_picture_whose_newest_class_is_not_allowed_is_not_trained_on_as_an_earlier_one(
    workspace, model
):
    for digest, label in (("first", "cat"), ("second", "owl")):
        write_batch(workspace, digest, [new_row("0.png", label=label, sha256="ab" * 32)])
    write_batch(workspace, "new", [new_row("1.png")])
    batches = [
        batch(1, "first", state="too_little_data"),
        batch(2, "second", state="too_little_data"),
        batch(3, "new"),
    ]
    training_set = TrainingSet.read(batches[2], batches, model, workspace, ValidationOptions())
    assert [row["name"] for row in training_set.new_rows(min_pictures=1)] == ["1.png"]


def test_the_folders_of_the_batch_and_of_waiting_ones_are_new(workspace, model):
    for digest in ("small", "new"):
        write_batch(workspace, digest, [new_row(f"{digest}.png")])
    batches = [batch(1, "small", state="too_little_data"), batch(2, "new")]
    config = RunConfig(data="/data", workspace=workspace.root, retrain={"min_pictures": 2})
    snapshot = TrainingSet.read(batches[1], batches, model, workspace).write(config)
    assert snapshot.new_folders == ("batches/new", "batches/small")


def test_the_pictures_of_a_replaced_batch_are_not_listed(workspace, model):
    write_batch(workspace, "new", [new_row("1.png")])
    batches = [batch(1, "old", state="pushed", version=1, replaced_by=2), batch(2, "new")]
    assert {row["domain"] for row in listed(workspace, model, batches)} == {"day", "night"}


def test_older_batches_than_the_window_are_tested_on_and_not_trained_on(workspace, model):
    write_batch(workspace, "new", [new_row("1.png")])
    known = pq.read_table(model / PICTURES).to_pylist()
    known.append(old_row("batches/newer/files/0.png", "day", "dog", "train"))
    pq.write_table(pa.Table.from_pylist(known, SCHEMA), model / PICTURES)
    write_files(workspace.root, {"batches/newer/files/0.png": RED})
    batches = [
        batch(1, "old", state="pushed", version=1),
        batch(2, "newer", state="pushed", version=2),
        batch(3, "new"),
    ]
    rows = listed(workspace, model, batches, retrain={"window": 1})
    assert [row["split"] for row in rows if row["domain"] == "fog"] == ["test"]
    rows = listed(workspace, model, batches, retrain={"window": 2})
    assert len([row for row in rows if row["domain"] == "fog"]) == 4


def test_unlabelled_pictures_are_not_listed(workspace, model):
    labelled = new_row("2.png", path="files/b.png")
    write_batch(workspace, "new", [new_row("1.png", label=""), labelled])
    write_files(workspace.batches / "new", {"files/b.png": RED})
    rows = listed(workspace, model, [batch(1, "new")])
    assert [row["label"] for row in rows if row["path"].startswith("batches/new/")] == ["cat"]


def test_files_are_grouped_by_their_original_names_though_copies_have_others(workspace, model):
    write_batch(workspace, "new", [new_row("night/cat/1F600.png")])
    rows = listed(workspace, model, [batch(1, "new")], split={"group_by": "stem"})
    assert next(row for row in rows if row["domain"] == "night")["group"] == "1F600"


def cross_fit(model: Path, locations: list[str], folds: list[int]) -> None:
    """Keep out-of-fold predictions with a version."""
    ids = np.array([location.encode() for location in locations])
    probabilities = np.full((len(ids), 2), 0.5, np.float32)
    OutOfFold(ids, np.array(folds, np.int8), probabilities).write(str(model))


def test_a_small_new_domain_is_cross_fitted_and_known_domains_are_not(workspace, model):
    new = [new_row(f"{n}.png", path=f"files/{n}.png", domain="night") for n in range(5)]
    write_batch(workspace, "new", new)
    write_files(workspace.batches / "new", {f"files/{n}.png": RED for n in range(5)})
    config = RunConfig(data="/data", workspace=workspace.root)
    batches = [batch(1, "new")]
    snapshot = TrainingSet.read(batches[-1], batches, model, workspace).write(config)
    rows = [json.loads(line) for line in snapshot.path.read_text().splitlines()]
    assert {row["path"]: row["fold"] for row in rows if "fold" in row} == snapshot.folds.new
    assert set(snapshot.folds.new) == {f"batches/new/files/{n}.png" for n in range(5)}
    assert set(snapshot.folds.new.values()) == {0, 1, 2, 3}
    assert not snapshot.folds.known
    assert not any("split" in row for row in rows if "fold" in row)  # ingestion decides


def test_pictures_that_were_cross_fitted_are_replayed_in_their_folds(workspace, model):
    write_batch(workspace, "new", [new_row("1.png")])
    earlier = [f"batches/old/files/{n}.png" for n in range(3)]
    write_files(workspace.root, dict.fromkeys(earlier, RED))
    cross_fit(model, earlier, [3, 1, 3])
    batches = [
        batch(1, "old", state="pushed", version=1),
        batch(2, "newer", state="pushed", version=2),
        batch(3, "new"),
    ]
    # All of them, in spite of the size of the replay set and of its window.
    rows = listed(workspace, model, batches, retrain={"window": 1, "replay_per_domain": 1})
    fog = {row["path"]: row.get("fold") for row in rows if row.get("split") == "train"}
    assert {path: fold for path, fold in fog.items() if fold is not None} == dict(
        zip(earlier, [3, 1, 3], strict=True)
    )
    rows = listed(workspace, model, batches, split={"cross_fit_below": 0})
    assert not any("fold" in row for row in rows)


def test_a_version_without_a_list_of_its_pictures_says_what_to_do(workspace, tmp_path):
    write_batch(workspace, "new", [new_row("1.png")])
    with pytest.raises(UnavailableError, match="Run carryover run once"):
        listed(workspace, tmp_path, [batch(1, "new")])


def test_a_sample_of_more_pictures_shares_most_of_its_rows():
    rows = [old_row(f"{n}.png", "day", "cat", "train") for n in range(200)]
    first = {row["location"] for row in balanced_sample(rows[:150], 50)}
    second = {row["location"] for row in balanced_sample(rows, 50)}
    assert len(first & second) >= 30
