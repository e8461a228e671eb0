from pathlib import Path

import pytest

from pipeline.config.config_file import load_config
from pipeline.config.retraining_options import RetrainOptions
from trainer_module.contract.errors import InputError


@pytest.fixture(name="write_config")
def _write_config(tmp_path: Path):
    def write(retrain: str) -> Path:
        path = tmp_path / "run.yaml"
        path.write_text(f"data: pictures\nretrain: {{{retrain}}}\n")
        return path

    return write


def replay_per_domain(path: Path | None, *overrides: str) -> int:
    return load_config(path, list(overrides), {"data": "pictures"}).retrain.replay_per_domain


def test_a_renamed_key_is_accepted_under_its_old_name(write_config):
    assert RetrainOptions(rehearsal_per_domain=7).replay_per_domain == 7
    assert replay_per_domain(write_config("rehearsal_per_domain: 7")) == 7
    assert replay_per_domain(None, "retrain.rehearsal_per_domain=7") == 7


def test_a_config_is_written_with_the_new_name(write_config):
    config = load_config(write_config("rehearsal_per_domain: 7"), [])
    assert config.model_dump()["retrain"]["replay_per_domain"] == 7
    assert "rehearsal_per_domain" not in config.model_dump()["retrain"]


@pytest.mark.parametrize("name", ["rehearsal_per_domain", "replay_per_domain"])
@pytest.mark.parametrize("override", ["rehearsal_per_domain", "replay_per_domain"])
def test_an_override_wins_over_a_file_whichever_names_they_use(write_config, name, override):
    assert replay_per_domain(write_config(f"{name}: 7"), f"retrain.{override}=9") == 9


def test_both_names_in_one_file_are_an_input_error(write_config):
    path = write_config("rehearsal_per_domain: 7, replay_per_domain: 7")
    with pytest.raises(InputError) as error:
        load_config(path, [])
    assert str(error.value).startswith(
        "config key 'retrain': rehearsal_per_domain is the old name of replay_per_domain. "
        "Give only replay_per_domain."
    )


@pytest.mark.parametrize(
    ("given", "unlabelled"),
    [
        ("self_training: true", "always"),
        ("self_training: YES, self_training_confidence: 0.8", "always"),
        ("self_training: false", "auto"),
        ("self_training: false, self_training_confidence: 0.9, unlabelled: off", "off"),
        ("unlabelled: off", "off"),
        ("unlabelled: always", "always"),
    ],
)
@pytest.mark.filterwarnings("ignore:retrain.self_training was replaced")
def test_the_keys_of_self_training_still_work(write_config, given, unlabelled):
    retrain = load_config(write_config(given), []).retrain
    assert retrain.unlabelled == unlabelled
    assert "self_training" not in retrain.model_dump()


def test_an_old_key_says_what_has_replaced_it(write_config):
    with pytest.warns(FutureWarning, match="write retrain.unlabelled=always"):
        load_config(None, ["retrain.self_training=true"], {"data": "pictures"})
    with pytest.raises(InputError, match="self_training was replaced by unlabelled"):
        load_config(write_config("self_training: true, unlabelled: auto"), [])

    # Whichever of the two came last, one would be dropped without a word.
    for keys in ("unlabelled: always", "self_training: false, unlabelled: always"):
        with pytest.raises(InputError, match="self_training was replaced by unlabelled"):
            load_config(write_config(keys), ["retrain.self_training=false"])


def test_an_override_wins_over_the_key_that_it_has_replaced(write_config):
    path = write_config("self_training: true")
    assert load_config(path, ["retrain.unlabelled=off"]).retrain.unlabelled == "off"


@pytest.mark.parametrize(
    ("settings", "boundary"),
    [
        ([], 0.35),
        (["fine_tuning.trainable_from=0.2"], 0.2),
        (["fine_tuning.trainable_from=all"], 0.0),
        (["fine_tuning.trainable_from=block8"], "block8"),
        (["fine_tuning.trainable_from=0.2", "retrain.trainable_from=0.7"], 0.7),
        (["retrain.trainable_from='0.7'"], 0.7),
        (["retrain.trainable_from=block5"], "block5"),
        (["quality=best"], 0.2),
    ],
)
def test_a_retraining_trains_lower_blocks_than_a_run_unless_told_otherwise(settings, boundary):
    config = load_config(None, settings, {"data": "pictures"})
    assert config.for_retraining().fine_tuning.trainable_from == boundary


@pytest.mark.parametrize(
    ("settings", "rate"),
    [
        ([], 6e-4),
        (["fine_tuning.learning_rate=0.0001"], 1e-4),
        (["fine_tuning.learning_rate=0.005"], 6e-4),
        (["fine_tuning.learning_rate=0.005", "retrain.learning_rate=0.002"], 2e-3),
    ],
)
def test_a_retraining_has_a_low_rate_unless_it_is_set_and_mixes_no_styles(settings, rate):
    tuning = load_config(None, settings, {"data": "pictures"}).for_retraining().fine_tuning
    assert (tuning.learning_rate, tuning.mix_styles) == (rate, 0)
