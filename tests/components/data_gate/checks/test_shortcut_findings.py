"""Shortcuts in catalogs of drawn numbers, whose classes are told by one property or by none."""

from pathlib import Path

import numpy as np
import pytest
from tiny_catalog import random_look, row, write_chunks

from components.data_gate.checks.shortcut_findings import shortcut_findings
from components.data_gate.checks.shortcuts import find_shortcuts
from components.data_gate.statistics.split_statistics import NUMERIC_FEATURES

pytestmark = pytest.mark.component

#: Number of pictures of a class in a domain.
Counts = dict[tuple[str, str], int]


def draw(folder: Path, counts: Counts, **told: tuple[str, str, float]) -> str:
    """Draw a catalog with random features, and return its URI.

    Args:
        folder: New folder.
        counts: Number of pictures by domain and class.
        **told: Feature -> domain, class, and what is added to the feature of its pictures.
    """
    rng, look, rows = np.random.default_rng(5), random_look(0), []
    for (domain, label), count in counts.items():
        for number in range(count):
            values = dict(zip(NUMERIC_FEATURES, rng.uniform(0, 1, 7).tolist(), strict=True))
            for feature, (where, what, more) in told.items():
                values[feature] += more * ((where, what) == (domain, label))
            values |= {name: int(1000 * values[name]) for name in ("width", "height", "num_bytes")}
            rows.append(row(f"{domain}/{label}/{number}".encode(), 0, look) | values)
    middle = len(rows) // 2
    return write_chunks(folder, rows[:middle], [], rows[middle:])


EVEN = {(domain, label): 30 for domain in ("day", "night") for label in ("cat", "dog", "fox")}


def test_classes_that_differ_in_nothing_give_no_finding(tmp_path):
    assert find_shortcuts(draw(tmp_path, EVEN)) == []


def test_a_feature_that_tells_a_class_in_a_domain_is_a_warning(tmp_path):
    uri = draw(tmp_path, EVEN, brightness=("night", "fox", -0.9))
    [shortcut] = find_shortcuts(uri)
    assert (shortcut.label, shortcut.domain, shortcut.feature) == ("fox", "night", "brightness")
    assert shortcut.share - shortcut.others == shortcut.strength > 0.8
    [finding] = shortcut_findings(uri)
    assert (finding.kind, finding.severity) == ("shortcut", "warning")
    told = "93% of 'fox' in domain 'night' have a brightness of at most 1.359, all others above."
    assert told in finding.text


def test_the_strongest_feature_is_named_whichever_side_it_is_on(tmp_path):
    uri = draw(tmp_path, EVEN, contrast=("day", "cat", 0.9), num_bytes=("day", "cat", 9.0))
    [shortcut] = find_shortcuts(uri)
    assert (shortcut.feature, shortcut.share, shortcut.others) == ("num_bytes", 0.0, 1.0)
    [finding] = shortcut_findings(uri)
    assert ": all 'cat' in domain 'day' have a file size above " in finding.text
    assert " KB, all others below. If" in finding.text


def test_a_class_that_is_hardly_anywhere_else_is_told_by_its_domain(tmp_path):
    counts = {("day", "cat"): 40, ("night", "cat"): 40, ("night", "dog"): 2, ("fog", "dog"): 30}
    # Of two classes, what tells one tells the other.
    [shortcut] = find_shortcuts(draw(tmp_path, counts | {("fog", "cat"): 4}))
    assert (shortcut.label, shortcut.domain, shortcut.value) == ("dog", None, ("fog",))
    assert shortcut.share == pytest.approx(30 / 32)
    assert shortcut.others == pytest.approx(4 / 84)


def test_few_pictures_are_no_shortcut(tmp_path):
    counts = EVEN | {("night", "fox"): 19, ("fog", "owl"): 19}
    assert find_shortcuts(draw(tmp_path, counts, sharpness=("night", "fox", 5.0))) == []


def test_many_shortcuts_are_counted(tmp_path):
    counts = {(f"place {number}", f"class {number}"): 30 for number in range(9)}
    [finding] = shortcut_findings(draw(tmp_path, counts))
    assert finding.text.count("100% of 'class") == 2
    assert "; and 7 more. A model may learn the domain" in finding.text
