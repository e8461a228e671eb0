import csv
from pathlib import Path

import numpy as np
import pytest
from tiny_catalog import random_look, row, write_chunks

from pipeline.summary.suspect_labels import write_suspect_labels
from trainer_module.label_issues.label_issues import LabelIssues

pytestmark = pytest.mark.component

LOOK = random_look(0)


@pytest.fixture(name="model")
def _model(tmp_path: Path) -> str:
    model = tmp_path / "model"
    LabelIssues(
        image_ids=np.array([b"day/cat/\xff.png", b"day/dog/2,3.png", b"fog/cat/4.png"]),
        domains=np.array(["day", "day", "fog"]),
        labels=np.array(["cat", "dog", "cat"]),
        suggested=np.array(["dog", "cat", "dog"]),
        qualities=np.array([0.001, 0.01234, 0.1], np.float32),
    ).write(str(model))
    return str(model)


def read(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        return list(csv.reader(file))


def test_issues_are_listed_in_their_order(tmp_path, model):
    path = tmp_path / "suspect-labels.csv"
    write_suspect_labels(model, path)
    assert read(path) == [
        ["path", "domain", "label", "suggested", "probability"],
        ["day/cat/\udcff.png", "day", "cat", "dog", "0.0010"],
        ["day/dog/2,3.png", "day", "dog", "cat", "0.0123"],
        ["fog/cat/4.png", "fog", "cat", "dog", "0.1000"],
    ]


def test_pictures_that_are_gone_or_have_another_label_now_are_left_out(tmp_path, model):
    catalog = write_chunks(
        tmp_path,
        [row(b"day/dog/2,3.png", 1, LOOK) | {"label": "cat"}],
        [row(b"fog/cat/4.png", 2, LOOK)],
    )
    path = tmp_path / "suspect-labels.csv"
    write_suspect_labels(model, path, catalog)
    assert [line[0] for line in read(path)] == ["path", "fog/cat/4.png"]


def test_without_issues_there_is_no_file(tmp_path, model):
    path = tmp_path / "suspect-labels.csv"
    write_suspect_labels(str(tmp_path / "of an earlier release"), path)
    other = write_chunks(tmp_path, [row(b"day/owl/9.png", 1, LOOK)])
    write_suspect_labels(model, path, other)
    assert not path.exists()
