"""The file of a search is read again as what it says."""

import pytest

from pipeline.config.config_file import load_config
from pipeline.config.parsing.yaml_parser import parse_yaml
from pipeline.tuning.tuned_config import tuned_config, write_tuned_config
from trainer_module.tuning.search_result import SearchResult
from trainer_module.tuning.trial_journal import TrialRecord

CHANGES = {"fine_tuning.learning_rate": 0.0009, "objective.name": "coral"}


def result_of(changes: dict) -> SearchResult:
    """A search of two trials, of which the second is best if it has changes."""
    trials = [
        TrialRecord(
            number=number,
            values=changes if number else {},
            status="complete",
            score=0.7 + number / 10,
            domain_accuracy={"day": 0.7 + number / 10},
        )
        for number in (0, 1)
    ]
    return SearchResult(
        criterion="mean_domain",
        eval_images=50,
        trials=trials,
        best=1 if changes else 0,
        changes=changes,
        margin=1.0,
        seconds=12.0,
    )


def written(folder, settings: dict, changes: dict, overrides: tuple[str, ...] = ()):
    """Write the file of a search; return the config with the changes, and the path."""
    given = load_config(None, list(overrides), {"data": str(folder / "data"), **settings})
    tuned = tuned_config(given, changes)
    path = write_tuned_config(folder / "tuned.yaml", tuned, given, result_of(changes))
    return tuned, path


def test_the_file_has_the_changes_and_what_the_user_has_set_and_nothing_else(tmp_path):
    _, path = written(tmp_path, {"fine_tuning.views": 5, "image_size": 96}, CHANGES)
    assert parse_yaml(path.read_text()).value == {
        "data": str(tmp_path / "data"),
        "image_size": 96,
        "objective": {"name": "coral"},
        "fine_tuning": {"learning_rate": 0.0009, "views": 5},
    }


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"quality": "fast"},
        {"quality": "best", "fine_tuning.views": 3},
        {"backbone.name": "efficientnet_lite1", "workspace": "w", "slices": [["scanner"]]},
        {"kubeflow.env": {"A": "1"}, "kubeflow.cpu": {"default": 2}, "gate.min_accuracy": 0},
    ],
    ids=str,
)
def test_the_config_is_read_again_as_it_is(tmp_path, settings):
    tuned, path = written(tmp_path, settings, CHANGES)
    again = load_config(path, [])
    expected = tuned.model_copy(update={"workspace": again.workspace})
    assert again.model_dump() == expected.model_dump()


def test_a_changed_line_says_what_was_there_and_the_top_has_the_scores(tmp_path):
    _, path = written(tmp_path, {"fine_tuning.views": 5}, CHANGES)
    text = path.read_text()
    assert "  learning_rate: 0.0009 # changed from 0.0012\n" in text
    assert "  name: coral # changed from erm\n" in text
    assert "  views: 5\n" in text
    assert "0.800, more than chance explains against 0.700 of the config as given" in text
    assert "# 'day': 0.700 -> 0.800\n" in text


def test_a_search_without_a_better_trial_changes_nothing_and_says_so(tmp_path):
    _, path = written(tmp_path, {}, {})
    assert parse_yaml(path.read_text()).value == {"data": str(tmp_path / "data")}
    assert "# nothing is changed: no trial beats the 0.700" in path.read_text()
    assert "the highest is 0.800 of trial 1" in path.read_text()


def test_a_gate_that_was_set_for_the_search_alone_is_not_in_the_file(tmp_path):
    _, path = written(tmp_path, {}, CHANGES, ("gate.min_accuracy=0",))
    assert "gate" not in parse_yaml(path.read_text()).value


def test_credentials_are_in_a_file_that_only_their_owner_can_read(tmp_path):
    settings = {"kubeflow.env": {"API_TOKEN": "abc"}}
    _, path = written(tmp_path, settings, CHANGES)
    assert "abc" not in path.read_text()
    assert load_config(path, []).kubeflow.env == {"API_TOKEN": "abc"}
    assert (tmp_path / "secrets.yaml").stat().st_mode & 0o077 == 0


def test_a_change_to_the_default_is_in_the_file_and_says_what_was_there(tmp_path):
    _, path = written(tmp_path, {"fine_tuning.views": 5}, {"fine_tuning.views": 2})
    assert "  views: 2 # changed from 5\n" in path.read_text()
    assert load_config(path, []).fine_tuning.views == 2
