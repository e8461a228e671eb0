"""ImageExampleGen through its real executor and a real Beam job."""

import json
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from ml_metadata.proto import metadata_store_pb2
from PIL import Image
from tfx.components.util import examples_utils
from tfx.orchestration import metadata
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import example_gen_pb2
from tfx.types import standard_artifacts
from tiny_evaluation import at, context
from tiny_pictures import encode, gradient, solid, write_files

from components.image_example_gen import executor
from components.image_example_gen.catalog import read_catalog
from components.image_example_gen.component import ImageCatalog, ImageExampleGen, ImageRejects
from components.image_example_gen.inventory import read_inventory, read_rejects
from components.image_example_gen.splits import assign_split, digest, group_digest
from pipeline.beam.beam_arguments import beam_arguments
from pipeline.config.beam_options import BeamOptions
from pipeline.config.run_config import SplitOptions
from pipeline.inputs.folder import MISPLACED
from pipeline.inputs.snapshot import Snapshot, take_snapshot
from pipeline.running.launcher import Launcher
from pipeline.running.run_failure import first_input_error
from trainer_module.contract import example_features
from trainer_module.contract.errors import InputError, UnavailableError

pytestmark = pytest.mark.component

RED, BLUE = solid("red"), solid("blue")
NOT_UTF_8 = os.fsdecode(b"day/cat/caf\xe9.png")

USABLE = {
    "day/cat/red.png": RED,
    "day/cat/blue.jpg": encode(gradient(), "JPEG"),
    "day/dog/palette.gif": encode(gradient(), "GIF"),
    "night/dog/copy of red.png": RED,
    "night/cat/two\nlines.png": BLUE,
    NOT_UTF_8: BLUE,
}
MAX_FILE_BYTES = 100_000
UNUSABLE = {
    "day/dog/empty.png": (b"", "empty file"),
    "night/dog/notes.txt": (b"hello", "not a picture in a known format"),
    "night/dog/half.jpg": (encode(gradient(), "JPEG")[:300], "damaged"),
    "night/dog/large.png": (RED + bytes(MAX_FILE_BYTES), "file too large"),
    "stray.png": (RED, MISPLACED),
}

Example = dict[str, Any]


@dataclass(frozen=True)
class Ingested:
    """Artifacts of an ingestion."""

    examples: str
    rejects: str
    catalog: str

    def read(self) -> dict[str, list[Example]]:
        """Split name -> its examples."""
        return {
            split: _examples(f"{self.examples}/Split-{split}") for split in example_features.SPLITS
        }


def ingest(folder: Path, files: dict[str, bytes], split: SplitOptions | None = None) -> Ingested:
    return ingest_snapshot(
        folder, take_snapshot(str(write_files(folder / "data", files)), folder / "inputs"), split
    )


def ingest_snapshot(
    folder: Path, snapshot: Snapshot, split: SplitOptions | None = None
) -> Ingested:
    examples = at(standard_artifacts.Examples(), folder / "examples")
    rejects = at(ImageRejects(), folder / "rejects")
    catalog = at(ImageCatalog(), folder / "catalog")
    executor.ImageExampleGenExecutor(context(folder)).Do(
        {},
        {"examples": [examples], "rejects": [rejects], "catalog": [catalog]},
        {
            "data_root": str(snapshot.data_root),
            "snapshot": str(snapshot.path),
            "digest": snapshot.digest,
            "split": json.dumps((split or SplitOptions()).model_dump()),
            "max_file_bytes": MAX_FILE_BYTES,
            "code": "code",
        },
    )
    assert examples.split_names == '["train", "eval", "test"]'
    assert examples_utils.get_payload_format(examples) == example_gen_pb2.FORMAT_TF_EXAMPLE
    return Ingested(examples.uri, rejects.uri, catalog.uri)


def _examples(folder: str) -> list[Example]:
    shards = sorted(str(path) for path in Path(folder).iterdir())
    assert not any(name.endswith(".part") for name in shards)
    return [_values(record.numpy()) for record in tf.data.TFRecordDataset(shards)]


def _values(record: bytes) -> Example:
    fields = tf.train.Example.FromString(record).features.feature
    return {
        name: getattr(field, field.WhichOneof("kind")).value[0] for name, field in fields.items()
    }


def by_id(splits: dict[str, list[Example]]) -> dict[str, Example]:
    return {os.fsdecode(row["image_id"]): row for rows in splits.values() for row in rows}


@pytest.fixture(name="ingested", scope="module")
def _ingested(tmp_path_factory: pytest.TempPathFactory) -> Ingested:
    unusable = {name: content for name, (content, _) in UNUSABLE.items()}
    return ingest(tmp_path_factory.mktemp("ingested"), USABLE | unusable)


def test_every_usable_picture_becomes_one_example(ingested):
    examples = by_id(ingested.read())
    assert set(examples) == set(USABLE)
    assert sum(map(len, ingested.read().values())) == len(USABLE)


def test_an_example_has_the_picture_its_names_sizes_and_statistics(ingested):
    row = by_id(ingested.read())["day/cat/red.png"]
    assert set(row) == {
        example_features.IMAGE,
        example_features.IMAGE_ID,
        *example_features.STATISTICS,
    }
    assert row["image"] == RED
    assert (row["domain"], row["label"]) == (b"day", b"cat")
    assert (row["width"], row["height"], row["channels"]) == (4, 3, 3)
    assert row["num_bytes"] == len(RED)
    assert row["brightness"] == pytest.approx(0.299, abs=1e-4)
    assert row["contrast"] == row["sharpness"] == 0


def test_a_picture_that_tensorflow_would_decode_differently_is_stored_as_png(ingested):
    stored = by_id(ingested.read())["day/dog/palette.gif"]
    assert stored["image"].startswith(b"\x89PNG")
    assert stored["num_bytes"] == len(USABLE["day/dog/palette.gif"])


def test_file_names_are_kept_byte_by_byte(ingested):
    assert b"day/cat/caf\xe9.png" in {
        row["image_id"] for rows in ingested.read().values() for row in rows
    }


def test_pictures_are_in_the_split_that_their_content_is_assigned(tmp_path):
    files = many(40)
    splits = ingest(tmp_path, files).read()
    assert all(splits.values())
    for split, rows in splits.items():
        for row in rows:
            content = files[os.fsdecode(row["image_id"])]
            assert assign_split(digest(content), 0.15, 0.15) == split


def test_the_catalog_has_a_row_for_every_example_that_agrees_with_it(ingested):
    examples = {
        (row["image_id"], split): row for split, rows in ingested.read().items() for row in rows
    }
    catalog = [row for part in read_catalog(ingested.catalog) for row in part.to_pylist()]
    assert {(row["image_id"], row["split"]) for row in catalog} == set(examples)
    for row in catalog:
        example = examples[row["image_id"], row["split"]]
        assert row["label"] == example["label"].decode()
        for name in (*example_features.SIZES, *example_features.MEASURES):
            assert row[name] == pytest.approx(example[name])
    by_name = {os.fsdecode(row["image_id"]): row for row in catalog}
    copies = by_name["day/cat/red.png"], by_name["night/dog/copy of red.png"]
    assert copies[0]["content"] == copies[1]["content"] == digest(RED)
    assert by_name["day/dog/palette.gif"]["rewritten"]
    assert not by_name["day/cat/red.png"]["rewritten"]


def test_the_splits_of_small_classes_are_corrected_after_all_chunks_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(executor, "CHUNK_ROWS", 4)
    files = many(30)
    tests = [name for name, content in files.items() if split_of(content) == "test"][:3]
    # Three test pictures become a class of their own, of which one has to be trained on.
    for name in tests:
        files[name.replace("cat", "rare")] = files.pop(name)
    splits = ingest(tmp_path, files).read()
    rare = {
        row["image_id"]: split
        for split, rows in splits.items()
        for row in rows
        if row["label"] == b"rare"
    }
    assert sorted(rare.values()) == ["test", "test", "train"]
    assert sum(map(len, splits.values())) == 30


def test_the_manifests_splits_and_groups_are_kept(tmp_path):
    data = write_files(tmp_path / "data", many(12))
    lines = [
        f"{name},day,cat,{'test' if n < 3 else ''},g{n % 4}" for n, name in enumerate(many(12))
    ]
    (data / "all.csv").write_text("\n".join(["path,domain,label,split,group", *lines]))
    snapshot = take_snapshot(str(data / "all.csv"), tmp_path / "inputs")
    splits = {
        row["image_id"].decode(): split
        for split, rows in ingest_snapshot(tmp_path, snapshot).read().items()
        for row in rows
    }
    names = list(many(12))
    assert {splits[name] for n, name in enumerate(names) if n % 4 < 3} == {"test"}
    assert len({splits[name] for n, name in enumerate(names) if n % 4 == 3}) == 1


def split_of(content: bytes) -> str:
    return assign_split(digest(content), 0.15, 0.15)


def test_every_unusable_file_is_listed_with_its_reason(ingested):
    found = {row["path"]: row["reason"] for row in read_rejects(ingested.rejects)}
    assert set(found) == set(UNUSABLE)
    for name, (_, reason) in UNUSABLE.items():
        assert found[name].split(":")[0] == reason


def test_the_inventory_adds_up_to_the_examples_and_the_rejects(ingested):
    inventory = read_inventory(ingested.rejects)
    counted: Counter[tuple[str, str, str]] = Counter()
    for split, rows in ingested.read().items():
        counted.update((split, row["domain"].decode(), row["label"].decode()) for row in rows)
    assert counted == {
        (row["split"], row["domain"], row["label"]): row["count"] for row in inventory["examples"]
    }
    assert {(row["reason"], row["domain"], row["label"]) for row in inventory["rejects"]} == {
        ("empty file", "day", "dog"),
        ("not a picture in a known format", "night", "dog"),
        ("damaged", "night", "dog"),
        ("file too large", "night", "dog"),
        (MISPLACED, "", ""),
    }
    assert sum(row["count"] for row in inventory["rejects"]) == len(UNUSABLE)


def many(count: int) -> dict[str, bytes]:
    """Pictures that differ, so that they spread over the splits."""
    return {
        f"day/cat/{number:02d}.png": encode(Image.new("RGB", (1, 1), (number, 0, 0)))
        for number in range(count)
    }


def test_several_chunks_make_as_many_shards_and_lose_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(executor, "CHUNK_ROWS", 4)
    files = many(10) | {"night/dog/empty.png": b"", "night/dog/a.png": RED}
    ingested = ingest(tmp_path, files)
    for split in example_features.SPLITS:
        names = sorted(path.name for path in Path(ingested.examples, f"Split-{split}").iterdir())
        assert names == [f"data_tfrecord-{n:05d}-of-00003" for n in range(3)]
    assert set(by_id(ingested.read())) == set(files) - {"night/dog/empty.png"}
    assert [row["path"] for row in read_rejects(ingested.rejects)] == ["night/dog/empty.png"]


def test_every_class_of_three_pictures_is_in_train_and_test(tmp_path, monkeypatch):
    monkeypatch.setattr(executor, "CHUNK_ROWS", 7)
    files = {
        f"{('day', 'night')[number % 2]}/{label:02d}/{number}.png": encode(
            Image.new("RGB", (1, 1), (label, number, 0))
        )
        for label in range(20)
        for number in range(3)
    }
    splits = ingest(tmp_path, files).read()
    assert set(by_id(splits)) == set(files)
    for split in ("train", "test"):
        assert {row["label"] for row in splits[split]} == {b"%02d" % label for label in range(20)}
    assert {row["domain"] for row in splits["eval"]} == {b"day", b"night"}


def test_groups_of_a_sidecar_share_a_split(tmp_path):
    names = sorted(many(40))
    sidecar = "path,group\n" + "".join(f"{name},{names.index(name) // 4}\n" for name in names)
    splits = ingest(tmp_path, many(40) | {"sidecar.csv": sidecar.encode()}).read()
    split_of_name = {path: name for name, rows in splits.items() for path in by_id({"": rows})}
    groups = [{split_of_name[name] for name in names[n : n + 4]} for n in range(0, 40, 4)]
    assert {len(group) for group in groups} == {1}
    assert set().union(*groups) == {"train", "eval", "test"}


def stem_group(path: str) -> bytes:
    return group_digest({"path": path}, b"", "stem")


def test_by_stem_pictures_of_one_name_share_a_split_across_domains(tmp_path):
    other = {name.replace("day", "night"): content + bytes(8) for name, content in many(10).items()}
    split = SplitOptions(group_by="stem", eval=0.3, test=0.3)
    splits = ingest(tmp_path, many(10) | other, split).read()
    assert all(splits.values())
    for name, rows in splits.items():
        ids = {row["image_id"].decode() for row in rows}
        assert {path.replace("day", "night") for path in ids} <= ids
        assert all(assign_split(stem_group(path), 0.3, 0.3) == name for path in ids)


def test_if_nothing_is_usable_the_reasons_are_in_the_error(tmp_path):
    files = {"day/cat/a.png": b"", "day/cat/b.txt": b"hello"}
    with pytest.raises(InputError) as error:
        ingest(tmp_path, files)
    assert str(error.value) == (
        f"no file under {tmp_path / 'data'} is a usable picture. "
        "Expected <domain>/<class>/<picture>. "
        "Reasons: empty file, not a picture in a known format"
    )


def test_a_file_that_is_lost_after_the_snapshot_stops_the_run_and_nothing_is_cached(tmp_path):
    data = write_files(tmp_path / "data", {"day/cat/a.png": RED, "day/cat/b.png": BLUE})
    snapshot = take_snapshot(str(data), tmp_path / "inputs")
    lost = data / "day/cat/b.png"
    lost.rename(tmp_path / "elsewhere.png")
    with pytest.raises(Exception, match=r"1 file cannot be read any more") as failure:
        launch(tmp_path, snapshot.path, "code")
    error = first_input_error(failure.value)
    assert isinstance(error, UnavailableError)
    assert str(error) == (
        f"1 file cannot be read any more; the first is {lost} (cannot be opened: No such file or "
        "directory). Mount the disk, restore the files or remove those that are damaged, and give "
        "the command again."
    )
    (tmp_path / "elsewhere.png").rename(lost)
    outputs, cached = launch(tmp_path, snapshot.path, "code", "2")
    assert not cached
    assert list(read_rejects(outputs["rejects"])) == []


def launcher_of(folder: Path, snapshot: Path, code: str, run_id: str = "1") -> Launcher:
    component = ImageExampleGen(
        data_root=str(folder / "data"),
        snapshot=str(snapshot),
        digest=snapshot.stem,
        split=SplitOptions().model_dump(),
        max_file_bytes=MAX_FILE_BYTES,
        code=code,
    )
    pipeline = Pipeline(
        pipeline_name="test",
        pipeline_root=str(folder / "artifacts"),
        components=[component],
        metadata_connection_config=metadata.sqlite_metadata_connection_config(
            str(folder / "metadata.sqlite")
        ),
        enable_cache=True,
        beam_pipeline_args=beam_arguments(BeamOptions(), 1),
    )
    return Launcher(pipeline, run_id)


def launch(
    folder: Path, snapshot: Path, code: str, run_id: str = "1"
) -> tuple[dict[str, str], bool]:
    return launcher_of(folder, snapshot, code, run_id).launch("ImageExampleGen")


def test_the_same_pictures_and_code_come_from_the_cache_and_others_do_not(tmp_path):
    data = write_files(tmp_path / "data", {"day/cat/a.png": RED})
    first = take_snapshot(str(data), tmp_path / "inputs").path
    outputs, cached = launch(tmp_path, first, "code", "1")
    assert not cached
    assert set(outputs) == {"examples", "catalog", "rejects"}
    assert launch(tmp_path, first, "code", "2") == (outputs, True)

    write_files(data, {"day/cat/b.png": BLUE})
    second = take_snapshot(str(data), tmp_path / "inputs").path
    assert launch(tmp_path, second, "code", "3")[1] is False
    assert launch(tmp_path, second, "changed code", "4")[1] is False


def test_incomplete_outputs_of_a_killed_run_are_removed_and_made_again(tmp_path):
    data = write_files(tmp_path / "data", {"day/cat/a.png": RED})
    snapshot = take_snapshot(str(data), tmp_path / "inputs").path
    outputs, _ = launch(tmp_path, snapshot, "code", "1")
    config = metadata.sqlite_metadata_connection_config(str(tmp_path / "metadata.sqlite"))
    with metadata.Metadata(config) as handle:
        [record] = handle.store.get_executions()
        record.last_known_state = metadata_store_pb2.Execution.RUNNING
        handle.store.put_executions([record])

    launcher = launcher_of(tmp_path, snapshot, "code", "2")
    launcher.discard_unfinished()
    assert not Path(outputs["examples"]).exists()
    assert not Path(outputs["rejects"]).exists()
    again, cached = launcher.launch("ImageExampleGen")
    assert not cached
    assert list(Path(again["examples"]).glob("Split-*"))
