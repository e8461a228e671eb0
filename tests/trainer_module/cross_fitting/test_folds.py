from dataclasses import asdict

import numpy as np
import pytest

from trainer_module.cross_fitting.folds import NO_FOLD, NO_FOLDS, Folds

pytestmark = pytest.mark.component


def test_folds_are_found_by_image_id():
    folds = Folds(new={"a.png": 0, "b\udcff.png": 3}, known={"c.png": 2})
    ids = np.array([b"a.png", b"b\xff.png", b"c.png", b"d.png"], object)
    assert folds.find(ids).tolist() == [0, 3, 2, NO_FOLD]
    assert folds.without_known().find(ids).tolist() == [0, 3, NO_FOLD, NO_FOLD]
    assert len(folds) == 3
    assert not NO_FOLDS


def test_folds_survive_the_config_of_the_trainer():
    folds = Folds(new={"a.png": 0}, known={"b.png": 1})
    assert Folds(**asdict(folds)) == folds
