"""Invitations; trainings of several processes are in tests/end_to_end."""

import pytest

from trainer_module.errors import InputError
from trainer_module.together import INVITATION, TrainingJob, _invitation, read_invitation, withdraw

JOB = TrainingJob(
    identity="one",
    train_files=["train"],
    eval_files=["eval"],
    base_model=None,
    custom_config={"training": {"seed": 3}},
    serving_model_dir="model",
    model_run_dir="run",
)


def test_an_invitation_is_there_while_it_is_open_and_says_everything(tmp_path):
    folder = tmp_path / "rendezvous"
    assert read_invitation(folder) is None
    with _invitation(folder, JOB):
        assert read_invitation(folder) == JOB
    assert list(folder.iterdir()) == []


def test_what_a_killed_leader_left_is_taken_back(tmp_path):
    (tmp_path / INVITATION).write_text(JOB.model_dump_json())
    withdraw(tmp_path)
    assert read_invitation(tmp_path) is None
    withdraw(tmp_path)


def test_an_invitation_of_another_version_is_refused(tmp_path):
    (tmp_path / INVITATION).write_text('{"identity": "one", "unheard": "of"}')
    with pytest.raises(InputError, match="Install the leader's version"):
        read_invitation(tmp_path)
