"""What `carryover forget` removes of a workspace, and what it leaves."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from old_workspace import OldWorkspace
from pictured_workspace import DATA, PicturedWorkspace, content, digest
from tiny_pictures import write_files
from tiny_traffic import record

from components.evaluation.predictions import stored_predictions
from components.pusher import data_set
from components.pusher.rollback_record import read_rollback
from pipeline.forgetting.concerned_runs import concerned_listings
from pipeline.forgetting.forget_receipt import read_receipt, receipts_folder
from pipeline.forgetting.forget_request import ForgetRequest, RequestKind
from pipeline.forgetting.forgetting import ForgetOptions, Forgotten, forget
from pipeline.forgetting.forgotten_pictures import ForgottenPictures
from pipeline.retention.removal import VersionRemoval
from pipeline.retraining.deliveries.batch_store import BatchStore
from pipeline.retraining.training_set import TrainingSet
from pipeline.summary.summary_schema import Summary
from pipeline.traffic.traffic_store import TrafficWriter, read_traffic, traffic_folder
from trainer_module.contract.errors import InputError, UnavailableError
from trainer_module.contract.model_assets import LABEL_ISSUES, PICTURES, TEST_PREDICTIONS
from trainer_module.contract.workspace_files.array_files import read_arrays

pytestmark = pytest.mark.component

ANN = ("night/cat/ann-1.png", "night/cat/ann-2.png")
BOB, EVE = "night/dog/bob-1.png", "night/cat/eve-1.png"


@pytest.fixture(name="template", scope="module")
def _template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template") / "site"
    PicturedWorkspace(folder)
    return folder


@pytest.fixture(name="site")
def _site(template: Path, tmp_path: Path) -> PicturedWorkspace:
    shutil.rmtree(tmp_path / "site", ignore_errors=True)
    shutil.copytree(template / "workspace", tmp_path / "site" / "workspace", symlinks=True)
    site = PicturedWorkspace(tmp_path / "site")
    site.data = template / "data"
    return site


def forgotten(site: PicturedWorkspace, kind: RequestKind, value: str, **options: bool) -> Forgotten:
    [result] = forget(site.workspace, ForgetRequest(kind, value), ForgetOptions(**options))
    site.old.check()
    return result


def traces(site: PicturedWorkspace, *names: str) -> set[str]:
    """Return the files that hold content, digest in a file's name, or name of some pictures."""
    return site.files_with(*map(content, names), *(name.encode() for name in names))


def test_a_group_is_gone_from_every_version_batch_and_run_and_all_else_stays(site):
    assert traces(site, *ANN)
    before = site.ledger.batches()
    result = forgotten(site, "group", "ann")
    assert traces(site, *ANN) == set()
    assert site.files_with(*map(digest, ANN)) == set()
    assert result.receipt["pictures"] == sorted(digest(name).hex() for name in ANN)
    assert site.store.versions() == [1, 2, 3]
    assert site.locations(2) == {*DATA, BOB}
    assert site.locations(3) == {*DATA, BOB, EVE, "night/dog/eve-2.png"}
    for number in site.store.versions():
        site.store.check_files(number)
    assert traces(site, BOB)
    assert [one.state for one in site.ledger.batches()] == [one.state for one in before]
    assert [one.forgotten for one in site.ledger.batches()] == [1, 0]


def test_a_run_that_has_not_read_the_pictures_keeps_its_report_and_artifacts(site):
    forgotten(site, "batch", "monday")
    assert site.old.kept_runs() == site.old.runs[:1]
    kept = {file.read_bytes() for file in site.workspace.artifacts.glob("*/*/*/deep/part-1")}
    assert {one[:15] for one in kept} == {site.old.runs[0].encode()}
    for run_id in site.old.runs[1:]:
        left = {path.name for path in (site.workspace.runs / run_id).iterdir()}
        assert left == {"summary.json", "config.yaml", "batch"}


@pytest.mark.parametrize(
    "path",
    [
        "monday/night/cat/ann-1.png",
        "night/cat/ann-1.png",
        "/inbox/monday/night/cat/ann-1.png",
    ],
)
def test_a_picture_of_a_batch_is_known_by_its_path_there(site, path):
    result = forgotten(site, "path", path)
    assert result.receipt["pictures"] == [digest(ANN[0]).hex()]
    assert traces(site, ANN[0]) == set()
    assert traces(site, ANN[1])


def test_a_picture_of_the_data_is_known_by_its_path_and_its_file_stays(site, monkeypatch):
    path = site.data / DATA[0]
    result = forgotten(site, "path", str(path))
    assert result.elsewhere == [str(path)]
    assert path.exists()
    assert traces(site, DATA[0]) == set()
    monkeypatch.chdir(site.data)
    assert forgotten(site, "path", DATA[1]).elsewhere == [str(site.data / DATA[1])]


def test_every_copy_of_a_picture_is_forgotten_under_whatever_name(site, tmp_path):
    copy = tmp_path / "renamed.png"
    copy.write_bytes(content(BOB))
    forgotten(site, "path", str(copy))
    assert traces(site, BOB) == set()


def test_a_name_that_several_pictures_have_is_refused_and_changes_nothing(site):
    listings = list(site.workspace.batches.glob("*/listing.jsonl"))
    for listing in listings:
        listing.write_text(listing.read_text().replace("ann-1", "x").replace("eve-1", "x"))
    before = site.old.files()
    with pytest.raises(InputError, match=r"monday/night/cat/x\.png and tuesday/night/cat/x\.png"):
        forgotten(site, "path", "night/cat/x.png")
    assert site.old.files() == before
    forgotten(site, "path", "tuesday/night/cat/x.png")
    assert site.files_with(content(EVE)) == set()
    assert site.files_with(content(ANN[0]))


def other_data(site: PicturedWorkspace, folder: Path) -> bytes:
    """Add a run of other data in which another picture has the name of the first; return it."""
    other = b"another person\n" * 20
    write_files(folder, {DATA[0]: other})
    names = {"domain": "day", "split": "train", "label": "cat", "group": b"1" * 16}
    location, short = str(folder / DATA[0]).encode(), hashlib.sha256(other).digest()[:16]
    row = {**names, "location": location, "content": short}
    site._add_run([row], [row], str(folder))
    return other


def test_a_path_is_that_of_its_own_data_folder_only(site, tmp_path):
    other = other_data(site, tmp_path / "other")
    result = forgotten(site, "path", str(site.data / DATA[0]))
    assert result.receipt["pictures"] == [digest(DATA[0]).hex()]
    assert pq.read_table(site.store.path(4) / PICTURES).num_rows == 1
    assert [listed_issues(site, number) for number in (1, 4)] == [list(DATA[1:]), [DATA[0]]]
    result = forgotten(site, "path", str(tmp_path / "other" / DATA[0]))
    assert result.receipt["pictures"] == [hashlib.sha256(other).digest()[:16].hex()]
    assert listed_issues(site, 4) == []


def listed_issues(site: PicturedWorkspace, number: int) -> list[str]:
    """Return the pictures in the label issues of a version."""
    arrays = read_arrays(str(site.store.path(number)), LABEL_ISSUES, "label issues", dict)
    assert arrays is not None
    return [one.decode() for one in arrays["image_ids"].tolist()]


@pytest.mark.parametrize("asked", ["../up/cat/kim-1.png", "{folder}/up/cat/kim-1.png"])
def test_a_picture_that_a_manifest_climbs_to_is_known_by_its_path(site, tmp_path, asked):
    data, name = tmp_path / "manifests", "../up/cat/kim-1.png"
    picture = b"a picture beside the folder of its manifest\n"
    write_files(tmp_path, {"up/cat/kim-1.png": picture, "manifests/pictures.csv": b""})
    short = hashlib.sha256(picture).digest()[:16]
    row = {"domain": "day", "split": "train", "label": "cat", "group": b"2" * 16, "content": short}
    site._add_run([{**row, "location": name.encode()}], [], str(data))
    result = forgotten(site, "path", asked.format(folder=tmp_path))
    assert result.receipt["pictures"] == [short.hex()]
    assert site.files_with(name.encode()) == set()


def test_a_path_in_several_data_folders_is_refused_and_so_is_a_file_of_that_name(
    site, tmp_path, monkeypatch
):
    write_files(tmp_path, {DATA[0]: b"a file of this folder"})
    monkeypatch.chdir(tmp_path)
    first = str(site.data / DATA[0])
    with pytest.raises(InputError, match=f"{first} and {tmp_path / DATA[0]}"):
        forgotten(site, "path", DATA[0])
    (tmp_path / DATA[0]).unlink()
    other_data(site, tmp_path / "other")
    with pytest.raises(InputError, match=f"{first} and {tmp_path / 'other' / DATA[0]}"):
        forgotten(site, "path", DATA[0])


def test_two_deliveries_of_a_name_are_told_apart_and_only_manifests_have_files_beside_them(site):
    for source, folder in {"again": "/inbox/monday", "night": "/inbox/night"}.items():
        copy = site.workspace.batches / source
        shutil.copytree(site.workspace.batches / site.ledger.read(1).digest, copy)
        listing = copy / "listing.jsonl"
        text = listing.read_text().replace(digest(ANN[0]).hex(), "00" * 16)
        listing.write_text(text.replace("night/cat", "cat") if source == "night" else text)
        site.ledger.add(Path(folder).name, folder, source, source)
    again, night = site.ledger.batches()[2:]
    with pytest.raises(InputError, match=r"delivery 3, monday\).*delivery 1, monday\)"):
        forgotten(site, "path", "monday/night/cat/ann-1.png")
    with pytest.raises(InputError, match="several pictures"):
        forgotten(site, "path", "night/cat/ann-1.png")
    result = forgotten(site, "path", "/inbox/night/cat/ann-1.png")
    assert digest(ANN[0]).hex() not in result.receipt["pictures"]
    assert (again.number, night.number) == (3, 4)


@pytest.mark.parametrize("kind", ["path", "group", "batch"])
def test_what_nothing_is_known_by_is_refused(site, kind):
    before = site.old.files()
    with pytest.raises(InputError, match="knows no such picture"):
        forgotten(site, kind, "nobody")
    assert site.old.files() == before


def test_a_dry_run_says_the_same_and_changes_nothing(site):
    before = site.old.files()
    told = forgotten(site, "group", "ann", dry_run=True)
    assert site.old.files() == before
    done = forgotten(site, "group", "ann")
    assert told.removed == done.removed
    assert told.receipt["versions"] == done.receipt["versions"]
    assert told.file is None


def test_versions_that_were_trained_on_the_pictures_are_retired_and_an_older_one_serves(site):
    result = forgotten(site, "group", "ann", retires=True)
    assert site.store.versions() == [1]
    assert site.store.rolled_back_versions() == [2, 3]
    left = {path.name for path in site.store.rolled_back.rglob("*") if path.is_file()}
    assert left == {"push.json", "rollback.json"}
    assert "forgotten" in read_rollback(site.store.rolled_back / "2").reason
    assert [one["is_retired"] for one in result.receipt["versions"]] == [True, True]
    assert result.receipt["serving"] == {site.store.name: 1}


def test_batches_of_retired_versions_are_opened_again_unless_nothing_is_left_of_them(site):
    forgotten(site, "batch", "monday", retires=True)
    monday, tuesday = site.ledger.batches()
    assert (monday.state, monday.forgotten) == ("pushed", 1)
    assert tuesday.state == "taken"
    assert "version 3 was trained on pictures that are forgotten" in tuesday.reason


def test_a_batch_in_a_version_of_another_model_stays_as_it_is(site):
    other = OldWorkspace(site.workspace.root, name="zebra", weights=2000)
    picture = {"location": b"/zebra.png", "content": b"z" * 16, "group": b"z" * 16}
    row = {**picture, "domain": "day", "label": "cat", "split": "train"}
    for rows in ([], [row]):
        other.add_run("pushed")
        version = other.store.path(other.store.newest() or 0)
        pq.write_table(pa.Table.from_pylist(rows, data_set.SCHEMA), version / PICTURES)
        predictions = stored_predictions.SCHEMA.empty_table()
        pq.write_table(predictions, version / TEST_PREDICTIONS)
    [result] = forget(
        site.workspace, ForgetRequest("path", "/zebra.png"), ForgetOptions(retires=True)
    )
    assert [(one["model"], one["version"]) for one in result.receipt["versions"]] == [("zebra", 2)]
    assert [batch.state for batch in site.ledger.batches()] == ["pushed", "pushed"]


def test_a_waiting_batch_of_which_nothing_is_left_is_withdrawn(site):
    site.ledger.update(1, state="too_little_data", version=None)
    forgotten(site, "batch", "monday")
    assert site.ledger.read(1).state == "withdrawn"


def test_after_a_clean_pictures_of_removed_versions_are_forgotten_too(site):
    VersionRemoval(site.store, 1).carry_out()
    forgotten(site, "path", str(site.data / DATA[2]))
    left = pq.read_table(site.store.folder(1) / TEST_PREDICTIONS)
    assert digest(DATA[2]) not in left["content"].to_pylist()


def test_a_batch_of_which_nothing_is_left_can_still_be_read(site):
    forgotten(site, "batch", "monday")
    monday, tuesday = site.ledger.batches()
    assert BatchStore(site.workspace.batches).read(monday.digest) == []
    training_set = TrainingSet.read(
        tuesday, site.ledger.batches(), site.store.path(3), site.workspace
    )
    assert len(training_set.delivered) == 2
    with pytest.raises(InputError, match="knows no such picture"):
        forgotten(site, "batch", "monday")


def test_versions_are_retired_later_too(site):
    forgotten(site, "group", "ann")
    with pytest.raises(InputError, match="knows no such picture"):
        forgotten(site, "group", "ann")
    result = forgotten(site, "group", "ann", retires=True)
    assert site.store.versions() == [1]
    assert [one["version"] for one in result.receipt["versions"]] == [2, 3]
    with pytest.raises(InputError, match="knows no such picture"):
        forgotten(site, "group", "ann", retires=True)


def test_without_another_version_nothing_is_retired_unless_it_is_said(site):
    with pytest.raises(InputError, match="none could serve"):
        forgotten(site, "path", str(site.data / DATA[0]), retires=True)
    assert site.store.versions() == [1, 2, 3]
    assert traces(site, DATA[0])
    forgotten(site, "path", str(site.data / DATA[0]), retires=True, stops_serving=True)
    assert site.store.versions() == []


def test_versions_that_were_trained_on_the_pictures_without_labels_are_retired(site, tmp_path):
    run = site.workspace.runs / site.store.read_push(3).run_id
    summary = Summary.read(run).model_copy(update={"unlabelled": "unlabelled-1.txt"})
    summary.write(run)
    (tmp_path / "other.png").write_bytes(b"other")
    (tmp_path / "first.png").write_bytes(b"first")
    digests = [hashlib.sha256(one).hexdigest() for one in (b"other", b"first")]
    file = site.workspace.inputs / "unlabelled-1.txt"
    file.write_text("".join(f"{one}\n" for one in digests))
    forgotten(site, "path", str(tmp_path / "other.png"))
    assert file.read_text() == f"{digests[1]}\n"
    result = forgotten(site, "path", str(tmp_path / "first.png"), retires=True)
    assert [(one["version"], one["is_retired"]) for one in result.receipt["versions"]] == [
        (3, True)
    ]
    assert site.store.versions() == [1, 2]


def test_versions_that_were_tested_on_the_pictures_alone_stay(site):
    result = forgotten(site, "path", str(site.data / DATA[2]), retires=True)
    assert site.store.versions() == [1, 2, 3]
    assert {one["is_trained_on_them"] for one in result.receipt["versions"]} == {False}


def test_the_same_delivery_is_taken_as_a_new_one_afterwards(site):
    monday = site.ledger.read(1)
    same = ("monday", monday.source, monday.digest, "another stamp")
    assert site.ledger.add(*same) is None
    forgotten(site, "group", "ann")
    added = site.ledger.add(*same)
    assert added is not None
    assert (added.state, added.forgotten) == ("taken", 0)
    assert site.ledger.read(1).replaced_by == added.number


def test_pictures_of_clients_go_and_all_others_stay(site):
    folder = traffic_folder(site.workspace.root)
    with TrafficWriter(folder, 10**9) as writer:
        writer.write([record(1.0, content(BOB)), record(2.0, b"another")])
        write_files(site.workspace.root, {"monitoring/colours.json": b"{}"})
        forgotten(site, "path", BOB)
        writer.write([record(3.0, b"later")])
    assert [one.image for one in read_traffic(folder)] == [b"another", b"later"]
    assert {path.stat().st_mode & 0o777 for path in folder.glob("*.tfrecord")} == {0o600}
    assert not (site.workspace.root / "monitoring" / "colours.json").exists()


def test_a_picture_that_only_a_client_has_sent_is_found_by_its_file(site, tmp_path):
    folder = traffic_folder(site.workspace.root)
    with TrafficWriter(folder, 10**9) as writer:
        writer.write([record(1.0, b"sent")])
    (tmp_path / "sent.png").write_bytes(b"sent")
    forgotten(site, "path", str(tmp_path / "sent.png"))
    assert list(read_traffic(folder)) == []


def test_the_receipt_names_nobody_and_shows_that_it_was_changed(site):
    result = forgotten(site, "group", "ann")
    assert result.file is not None
    assert result.file.parent == receipts_folder(site.workspace)
    text = result.file.read_text()
    assert "ann" not in text
    assert read_receipt(result.file) == result.receipt
    changed: dict[str, Any] = json.loads(text)
    changed["pictures"].pop()
    result.file.write_text(json.dumps(changed))
    with pytest.raises(UnavailableError, match="it was changed"):
        read_receipt(result.file)


def test_names_leave_summaries_and_the_reasons_of_batches(site):
    forgotten(site, "batch", "tuesday")
    summaries = [path.read_text() for path in site.workspace.runs.glob("*/summary.json")]
    assert sum("a mistake: (forgotten), as expected" in text for text in summaries) == 1
    assert site.ledger.read(2).reason == "like (forgotten)"


def test_a_damaged_list_of_a_version_is_named_and_nothing_is_removed(site):
    file = site.store.path(2) / PICTURES
    file.write_bytes(file.read_bytes()[:100])
    before = site.old.files()
    with pytest.raises(UnavailableError, match=r"pictures\.parquet cannot be read"):
        forgotten(site, "group", "ann")
    assert site.old.files() == before


def test_listings_slices_and_lists_of_unlabelled_pictures_that_name_them_go(site):
    location = b"batches/x/files/aa/ann.png"
    inputs = site.workspace.inputs
    tables = {"1": [b"other.png"], "2": [b"other.png", location]}
    for name, ids in tables.items():
        table = pa.table({"image_id": pa.array(ids, pa.binary()), "scanner": ["a"] * len(ids)})
        pq.write_table(table, inputs / f"{name * 64}.slices.parquet")
    for name, picture in {"3": BOB, "4": ANN[0]}.items():
        (inputs / f"unlabelled-{name * 16}.txt").write_text(
            f"{hashlib.sha256(content(picture)).hexdigest()}\n"
        )
        write_files(inputs, {f"unlabelled-{name * 16}/pictures.tfrecord": content(picture)})
    pictures = ForgottenPictures(frozenset({digest(ANN[0])}), frozenset({location}))
    found = concerned_listings(site.workspace, pictures)
    unlabelled = f"unlabelled-{'4' * 16}"
    assert found == {f"{'2' * 64}.slices.parquet", f"{unlabelled}.txt", unlabelled}


def test_labels_in_progress_go_and_files_of_an_inbox_in_the_workspace_are_named(site):
    root, key = site.workspace.root, site.ledger.read(1).digest
    labels = (f"to_label/.{key}-labelled.labels.jsonl", f"to_label/{key}-labelled/night/1.png")
    write_files(root, dict.fromkeys((*labels, "to_label/other/1.png"), b"x"))
    write_files(root, {f"inbox/monday/{BOB}": content(BOB)})
    site.ledger.update(1, source=str(root / "inbox" / "monday"))
    result = forgotten(site, "group", "bob")
    assert not set(labels) & site.names()
    assert "to_label/other/1.png" in site.names()
    assert result.elsewhere == [str(root / "inbox" / "monday" / BOB)]


def test_names_are_found_after_an_earlier_forget_has_removed_the_catalogs(site):
    forgotten(site, "group", "kim")
    assert site.files_with(b"lea-1")
    forgotten(site, "group", "lea")
    assert site.files_with(b"lea-") == set()


def test_names_are_found_as_whole_words_only():
    names = {"a.png", "night/a.png", "person 1/b.png", "cat", "1"}
    pictures = ForgottenPictures(names=frozenset(names))
    texts = {
        "night/a.png is blank": "(forgotten) is blank",
        "'a.png' and b.png": "'(forgotten)' and b.png",
        "a.png, person 1/b.png": "(forgotten), (forgotten)",
        "aa.png xa.png a.pngs": "aa.png xa.png a.pngs",
        "class cat, 1 picture, dog/a.png": "class cat, 1 picture, dog/a.png",
    }
    for text, left in texts.items():
        assert pictures.without_names({"a.png": [text]}) == {"a.png": [left]}
