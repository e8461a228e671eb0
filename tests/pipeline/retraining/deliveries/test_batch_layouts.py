"""Deliveries in other layouts than <domain>/<class>/<picture> are read right, or refused."""

from pathlib import Path

import pytest
from tiny_pictures import solid, write_files

from pipeline.config.run_config import RunConfig
from pipeline.inputs.layouts.layout import LayoutOptions, batch_layout
from pipeline.retraining.deliveries.batch_store import BatchStore
from pipeline.retraining.deliveries.inbox import Delivery, file_stamp
from trainer_module.contract.errors import InputError

RED = solid("red")


def delivered(folder: Path, *names: str) -> Delivery:
    path = write_files(folder / "inbox" / "batch", dict.fromkeys(("_READY", *names), RED))
    return Delivery("batch", path, complete=True, changed=0)


def placed(folder: Path, delivery: Delivery, options: LayoutOptions | None = None) -> set:
    store = BatchStore(folder / "batches", options)
    rows = store.read(store.add(delivery).digest)
    assert [row["path"] for row in rows if "reason" in row] == []
    return {(row["domain"], row["label"], row.get("split")) for row in rows}


@pytest.mark.parametrize(
    "pattern", ["{split}/{domain}/{label}", "{domain}/{split}/{label}", "{domain}/{label}/{split}"]
)
def test_split_folders_of_a_delivery_become_splits(tmp_path, pattern):
    names = [
        pattern.format(split=split, domain="fog", label=label) + "/1.png"
        for split in ("train", "valid", "test")
        for label in ("cat", "dog")
    ]
    assert placed(tmp_path, delivered(tmp_path, *names)) == {
        ("fog", label, split) for label in ("cat", "dog") for split in ("train", "eval", "test")
    }


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("cat/1.png", "dog/2.png"), "no folder names the domain"),
        (("new/fog/cat/1.png", "new/fog/dog/2.png", "new/snow/cat/3.png"), "deeper than in"),
        (
            ("fog/cat/1.png", "fog/dog/2.png", "snow/images/cat/3.png"),
            "classes at different levels",
        ),
        (("train/cat/1.png", "test/cat/2.png"), "no folder names the domain"),
        (("1.png", "2.png"), "directly in it"),
    ],
    ids=["classes alone", "wrapper", "mixed", "splits alone", "flat"],
)
def test_a_delivery_whose_layout_is_not_clear_is_refused_and_leaves_nothing(
    tmp_path, names, message
):
    store = BatchStore(tmp_path / "batches")
    delivery = delivered(tmp_path, *names)
    with pytest.raises(InputError, match=message):
        store.add(delivery)
    assert list((tmp_path / "batches").glob("*")) == []
    assert file_stamp(delivery.path)  # a refused delivery is recognised when it comes again


def options(**values: object) -> LayoutOptions:
    return batch_layout(RunConfig(data="pictures", **values))


def test_the_domain_of_the_config_is_that_of_deliveries_without_domains(tmp_path):
    delivery = delivered(tmp_path, "cat/1.png", "dog/2.png")
    assert {row[0] for row in placed(tmp_path, delivery, options(domain="factory"))} == {"factory"}


def test_a_delivery_that_names_its_domain_keeps_it(tmp_path):
    delivery = delivered(tmp_path, "fog/cat/1.png", "fog/dog/2.png")
    assert {row[0] for row in placed(tmp_path, delivery, options(domain="factory"))} == {"fog"}


def test_the_layout_of_the_first_data_is_not_that_of_deliveries(tmp_path):
    delivery = delivered(tmp_path, "fog/cat/1.png", "fog/dog/2.png")
    found = placed(tmp_path, delivery, options(layout="domain/*/class"))
    assert found == {("fog", "cat", None), ("fog", "dog", None)}


def test_the_layout_of_deliveries_can_be_given(tmp_path):
    delivery = delivered(tmp_path, "train/cat/1.png", "train/dog/2.png")
    given = options(domain="factory", retrain={"layout": "domain/class"})
    assert placed(tmp_path, delivery, given) == {("train", "cat", None), ("train", "dog", None)}
    given = options(domain="factory", retrain={"layout": "*/class"})
    assert placed(tmp_path, delivery, given) == {("factory", "cat", None), ("factory", "dog", None)}


def test_a_layout_that_was_recognised_is_told(tmp_path):
    names = [f"fog/{split}/{label}/1.png" for split in ("train", "test", "val") for label in "ab"]
    stored = BatchStore(tmp_path / "batches").add(delivered(tmp_path, *names))
    assert stored.notes[0].startswith("The layout is <domain>/<split>/<class>/<picture>: ")
