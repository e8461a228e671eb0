import pytest
import tiny_backbone
from trainer_fixtures import fn_args, rows, write_split

from trainer_module.contract.errors import InputError
from trainer_module.leave_one_domain_out import Fold, cross_validate
from trainer_module.training_options import TrainingOptions

pytestmark = [pytest.mark.component, pytest.mark.usefixtures("registered")]


def folds(tmp_path, seeds: list[int], **training: object) -> list[Fold]:
    args = fn_args(tmp_path, training)
    options = TrainingOptions.model_validate(args.custom_config["training"])
    folder = tmp_path / "run"
    folder.mkdir()
    return list(cross_validate(args.train_files, args.eval_files, options, seeds, str(folder)))


@pytest.fixture(scope="module")
def two_seeds(registered, tmp_path_factory) -> list[Fold]:
    """The folds of the seeds 1 and 2."""
    return folds(tmp_path_factory.mktemp("two_seeds"), [1, 2])


def test_every_domain_is_left_out_once_per_seed_and_all_of_its_pictures_are_scored(two_seeds):
    assert [(fold.domain, fold.seed) for fold in two_seeds] == [
        ("day", 1),
        ("night", 1),
        ("day", 2),
        ("night", 2),
    ]
    assert {fold.images for fold in two_seeds} == {3 * (6 + 2)}
    # Colours can be told apart in another light; chance is a third.
    assert min(fold.frozen_accuracy for fold in two_seeds) > 0.6


def test_the_whole_network_is_trained_in_every_fold(tmp_path):
    tuning = {"epochs": 1, "views": 2, "batch_size": 8, "trainable_from": "all"}
    results = folds(tmp_path, [1], fine_tuning=tuning)
    assert [fold.domain for fold in results] == ["day", "night"]
    assert {fold.images for fold in results} == {3 * (6 + 2)}
    assert min(fold.accuracy for fold in results) > 0.4


def test_a_fold_does_not_see_the_domain_that_it_leaves_out(tmp_path):
    """Labels are permuted in one domain: training on it would improve its accuracy."""
    domains = {"day": 0, "turned": 0}
    split = {"train": rows(domains, 8, seed=1), "eval": rows(domains, 2, seed=2)}
    turn = {"red": "green", "green": "blue", "blue": "red"}
    for one in (row for part in split.values() for row in part if row.domain == "turned"):
        object.__setattr__(one, "label", turn[one.label])
    files = {name: [write_split(tmp_path / name, part)] for name, part in split.items()}
    options = TrainingOptions.model_validate(
        {
            "image_size": 32,
            "backbone": tiny_backbone.OPTIONS,
            "frozen": {"learning_rate": 0.05},
            "fine_tuning": {"epochs": 0},
        }
    )
    results = list(cross_validate(files["train"], files["eval"], options, [1], str(tmp_path)))
    assert max(fold.accuracy for fold in results) < 0.1
    assert {fold.chosen for fold in results} == {"frozen"}


def test_a_single_domain_cannot_be_left_out(tmp_path):
    files = [write_split(tmp_path / "train", rows({"day": 0}, 2, seed=1))]
    options = TrainingOptions.model_validate({"image_size": 32})
    with pytest.raises(InputError, match="the only domain is day"):
        next(cross_validate(files, files, options, [1], str(tmp_path)))


def test_the_same_seed_gives_the_same_folds(two_seeds, tmp_path):
    again = [fold.accuracy for fold in folds(tmp_path, [1])]
    assert again == [fold.accuracy for fold in two_seeds if fold.seed == 1]
