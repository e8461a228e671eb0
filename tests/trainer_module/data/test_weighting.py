import numpy as np
import pyarrow as pa
import pytest

from trainer_module.data.weighting import (
    NewPictures,
    effective_balance,
    row_weights,
    training_weights,
)
from trainer_module.training_options import ObjectiveOptions, TrainingOptions

# Four cells of 4, 1, 1 and 2 pictures. Two of six cells are empty: lake at night, dog by day.
LABELS = np.array(["cat"] * 5 + ["dog"] + ["lake"] * 2, object)
DOMAINS = np.array(["day"] * 4 + ["night"] * 2 + ["day"] * 2, object)


def totals(weights: np.ndarray, *columns: np.ndarray) -> list[float]:
    groups = np.array(list(map("/".join, zip(*columns, strict=True))))
    return [float(weights[groups == group].sum()) for group in np.unique(groups)]


@pytest.mark.parametrize(
    ("balance", "columns", "groups"),
    [("class", [LABELS], 3), ("domain", [DOMAINS], 2), ("cell", [LABELS, DOMAINS], 4)],
)
def test_every_group_counts_the_same_in_total(balance, columns, groups):
    weights = row_weights(LABELS, DOMAINS, balance)
    assert totals(weights, *columns) == pytest.approx([8 / groups] * groups)
    assert weights.dtype == np.float32
    assert weights.shape == (8,)
    assert weights.mean() == pytest.approx(1)


def test_rows_of_a_group_count_the_same():
    weights = row_weights(LABELS, DOMAINS, "cell")
    assert weights.tolist() == [0.5] * 4 + [2.0, 2.0] + [1.0, 1.0]


def test_without_balance_all_rows_count_the_same():
    assert row_weights(LABELS, DOMAINS, "none").tolist() == [1.0] * 8


def test_one_domain_and_one_class_need_no_balance():
    ones = np.array(["a"] * 3)
    assert row_weights(ones, ones, "cell").tolist() == [1.0] * 3


def test_the_balanced_objective_balances_cells_and_others_follow_the_option():
    assert effective_balance("balanced", "class") == "cell"
    assert effective_balance("group_dro", "class") == "class"


def test_new_rows_have_their_share_whatever_their_number_and_are_balanced_among_themselves():
    options = TrainingOptions(image_size=32, balance="domain")
    is_new = np.array([True] + [False] * 3 + [True] * 2 + [False] * 2)
    weights = training_weights(LABELS, DOMAINS, options, is_new, new_share=0.75)
    assert weights[is_new].sum() == pytest.approx(6)
    assert weights[is_new].tolist() == pytest.approx([3, 1.5, 1.5])  # one by day, two at night
    assert weights.mean() == pytest.approx(1)


@pytest.mark.parametrize("is_new", [np.ones(8, bool), np.zeros(8, bool)])
def test_the_share_of_new_rows_has_no_effect_if_all_rows_are_of_one_kind(is_new):
    options = TrainingOptions(image_size=32)
    assert training_weights(LABELS, DOMAINS, options, is_new, 0.9).tolist() == [1.0] * 8


def test_new_pictures_are_those_in_the_given_folders():
    names = [b"batches/ab/files/1.png", b"batches/abc/files/1.png", b"day/batches/ab/1.png"]
    names = pa.array(names, pa.large_binary())
    assert NewPictures(("batches/ab",)).find(names).tolist() == [True, False, False]
    assert NewPictures().find(names).tolist() == [False] * 3


def test_training_weights_follow_the_options():
    def weights(**options) -> list[float]:
        return training_weights(LABELS, DOMAINS, TrainingOptions(image_size=32, **options)).tolist()

    assert weights() == [1.0] * 8
    assert weights(balance="domain") == row_weights(LABELS, DOMAINS, "domain").tolist()
    balanced = weights(objective=ObjectiveOptions(name="balanced"))
    assert balanced == row_weights(LABELS, DOMAINS, "cell").tolist()
