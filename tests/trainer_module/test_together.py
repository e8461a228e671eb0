"""Invitations; trainings of several processes are in tests/end_to_end."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from ports import free_ports

from trainer_module.errors import InputError
from trainer_module.options import TrainingOptions
from trainer_module.together import INVITATION, TrainingJob, _invitation, read_invitation, withdraw

JOB = TrainingJob(
    identity="one",
    train_files=["train"],
    eval_files=["eval"],
    base_model=None,
    custom_config={"training": TrainingOptions(image_size=32).model_dump(mode="json")},
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


LEADER = """
import sys
from test_together import JOB
from trainer_module.together import RENDEZVOUS, lead
lead(JOB.model_copy(update={"custom_config": {**JOB.custom_config, RENDEZVOUS: sys.argv[1]}}))
"""


@pytest.mark.slow
def test_a_program_does_not_outlive_a_leader_that_is_killed(tmp_path):
    # It waits for another worker, who never comes.
    cluster = {"worker": [f"127.0.0.1:{port}" for port in free_ports(2)]}
    task = {"type": "worker", "index": 1}
    here = Path(__file__)
    leader = subprocess.Popen(
        [sys.executable, "-c", LEADER, str(tmp_path)],
        env=os.environ
        | {"TF_CONFIG": json.dumps({"cluster": cluster, "task": task})}
        | {
            "PYTHONPATH": ":".join(
                map(str, (here.parents[2], here.parent, here.parents[1] / "helpers"))
            )
        },
        stderr=subprocess.DEVNULL,
    )
    while not (programs := psutil.Process(leader.pid).children()):
        assert leader.poll() is None
        time.sleep(0.1)
    assert "trainer_module.job" in programs[0].cmdline()
    time.sleep(15)  # it has imported TensorFlow, or nearly, and waits
    leader.send_signal(signal.SIGKILL)
    leader.wait()
    assert psutil.wait_procs(programs, timeout=20)[1] == []
