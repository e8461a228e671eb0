import pytest

from trainer_module.training_options import TrainingOptions
from trainer_module.tuning.search_space import search_space
from trainer_module.tuning.trial_values import changed_values, rounded, with_values

pytestmark = pytest.mark.component

BLOCKS = ("stem", "block0", "block1", "block2", "top")


def options(**settings: object) -> TrainingOptions:
    return TrainingOptions.model_validate({"image_size": 64, **settings})


def test_the_default_of_every_option_is_its_value_in_the_config():
    configured = options(fine_tuning={"learning_rate": 0.9, "trainable_from": 0.4, "views": 7})
    space = search_space(configured, BLOCKS, domains=2)
    defaults = {one.name: one.default for one in space.space}
    assert defaults["fine_tuning.learning_rate"] == 0.9
    assert defaults["fine_tuning.trainable_from"] == 0.4
    assert changed_values(configured, defaults) == {}
    assert with_values(configured, defaults) == configured


def test_every_value_of_the_space_is_an_allowed_option():
    configured = options()
    space = search_space(configured, BLOCKS, domains=2)
    for one in space.space:
        for share in (0.0, 0.5, 0.999):
            with_values(configured, rounded({one.name: one.prob_to_value(share)}))


def test_a_config_outside_the_usual_bounds_widens_them():
    space = search_space(options(fine_tuning={"learning_rate": 1e-6}), BLOCKS, domains=2)
    [rate] = [one for one in space.space if one.name == "fine_tuning.learning_rate"]
    assert (rate.min_value, rate.max_value) == (1e-6, 3e-3)


def test_shares_that_are_the_same_block_are_one_boundary():
    # 0.5 of five blocks is block1, and so is 0.4; 0.2 and 0.35 are both block0.
    space = search_space(options(fine_tuning={"trainable_from": 0.4}), BLOCKS, domains=2)
    [boundary] = [one for one in space.space if one.name == "fine_tuning.trainable_from"]
    assert boundary.values == [0.35, 0.4, 0.65]


def test_a_boundary_that_is_named_has_named_alternatives():
    space = search_space(options(fine_tuning={"trainable_from": "block1"}), BLOCKS, domains=2)
    [boundary] = [one for one in space.space if one.name == "fine_tuning.trainable_from"]
    assert boundary.values == ["block1", "block0", "block2"]


def test_without_fine_tuning_only_the_frozen_stage_is_searched():
    space = search_space(options(fine_tuning={"epochs": 0}), BLOCKS, domains=2)
    assert {one.name for one in space.space} == {"frozen.learning_rate", "objective.name"}


def test_objectives_that_compare_domains_need_several():
    [objective] = [
        one
        for one in search_space(options(), BLOCKS, domains=1).space
        if one.name == "objective.name"
    ]
    assert objective.values == ["erm", "balanced"]
