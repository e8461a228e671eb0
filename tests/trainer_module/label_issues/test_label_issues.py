"""Label issues among drawn embeddings: one cluster per class, and some labels that are wrong."""

import numpy as np
import pyarrow as pa
import pytest

from trainer_module.label_issues import label_issues
from trainer_module.label_issues.label_issues import (
    LabelIssues,
    find_label_issues,
    read_label_issues,
)
from trainer_module.label_issues.linear_cross_validation import EmbeddingRows

NAMES = np.array(["cat", "dog", "fox"], object)


def examine(per_class: int, wrong: dict[int, str]) -> LabelIssues:
    """Examine pictures of which row r shows class r modulo the number of classes."""
    rng = np.random.default_rng(3)
    shown = np.arange(per_class * len(NAMES)) % len(NAMES)
    embeddings = rng.normal(0, 1, (len(shown), 8)) + 4 * np.eye(8)[shown]
    labels = NAMES[shown]
    for row, label in wrong.items():
        labels[row] = label
    ids = pa.array([f"day/{row}".encode() for row in range(len(shown))], pa.large_binary())
    half = len(shown) // 2
    rows = np.arange(len(shown))
    parts = [EmbeddingRows(embeddings.astype(np.float16), rows[:half])]
    parts += [EmbeddingRows(embeddings.astype(np.float16)[::-1], rows[::-1][half:])]
    return find_label_issues(ids, parts, np.full(len(shown), "day", object), labels, seed=1)


def test_wrong_labels_are_issues_with_the_class_that_fits():
    issues = examine(40, {0: "dog", 31: "fox", 80: "cat"})
    assert dict(zip(issues.image_ids.tolist(), issues.suggested.tolist(), strict=True)) == {
        b"day/0": "cat",
        b"day/31": "dog",
        b"day/80": "fox",
    }
    assert sorted(issues.labels.tolist()) == ["cat", "dog", "fox"]
    assert issues.domains.tolist() == ["day"] * 3
    assert (np.diff(issues.qualities) >= 0).all()
    assert issues.qualities.max() < 0.2


def test_right_labels_are_no_issues():
    assert len(examine(40, {})) == 0


def test_a_class_with_few_pictures_is_neither_examined_nor_suggested():
    issues = examine(40, {0: "owl", 3: "owl", 31: "fox"})
    assert issues.image_ids.tolist() == [b"day/31"]
    assert len(examine(9, {0: "dog"})) == 0


def test_the_most_suspicious_are_kept(monkeypatch):
    wrong = {0: "dog", 31: "fox", 80: "cat"}
    every = examine(40, wrong)
    monkeypatch.setattr(label_issues, "MAX_ISSUES", 2)
    assert examine(40, wrong).image_ids.tolist() == every.image_ids.tolist()[:2]


@pytest.mark.parametrize("wrong", [{}, {0: "dog"}])
def test_issues_are_read_as_they_were_written(tmp_path, wrong):
    issues = examine(40, wrong)
    issues.write(str(tmp_path))
    read = read_label_issues(str(tmp_path))
    for name, values in vars(issues).items():
        np.testing.assert_array_equal(getattr(read, name), values)
    assert read_label_issues(str(tmp_path / "earlier")) is None
