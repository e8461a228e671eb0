"""A version knows what it was trained on before its last training, too."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.data_gate.statistics import known_names
from components.data_gate.statistics.known_names import KnownNames, read_known_names
from components.data_gate.statistics.split_statistics import PictureStatistics, SplitStatistics
from components.pusher.data_set import SCHEMA
from trainer_module.contract.model_assets import DESCRIPTION, PICTURES

pytestmark = pytest.mark.component


def write_version(folder: Path) -> str:
    """A version that was trained on day and fog once, on three classes."""
    rows = [
        {"domain": domain, "label": "cat", "split": split}
        for domain, split in (("day", "train"), ("fog", "train"), ("rain", "test"))
    ]
    (folder / PICTURES).parent.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), folder / PICTURES)
    (folder / DESCRIPTION).write_text(json.dumps({"labels": ["cat", "dog", "owl"]}))
    return str(folder)


def test_names_are_those_of_pictures_and_labels_and_of_the_last_training(tmp_path, monkeypatch):
    last = PictureStatistics(3, {}, {"ape": 3})
    statistics = SplitStatistics(last, {"night": last})
    monkeypatch.setattr(known_names, "read_baseline_statistics", lambda _: statistics)
    assert read_known_names(write_version(tmp_path)) == KnownNames(
        frozenset({"day", "fog", "night"}), frozenset({"ape", "cat", "dog", "owl"})
    )


def test_a_domain_that_a_version_was_only_tested_on_is_not_known(tmp_path):
    assert read_known_names(write_version(tmp_path)).domains == {"day", "fog"}


def test_a_domain_without_a_labelled_picture_to_train_on_is_known_by_its_unlabelled_ones(tmp_path):
    model = write_version(tmp_path)
    training = {"chosen": "semi_supervised", "unlabelled_domains": ["rain"]}
    (tmp_path / DESCRIPTION).write_text(json.dumps({"labels": ["cat"], "training": training}))
    assert read_known_names(model).domains == {"day", "fog", "rain"}


def test_a_version_without_any_of_these_files_knows_nothing(tmp_path):
    assert read_known_names(str(tmp_path)) == KnownNames(frozenset(), frozenset())
