"""Invitations; trainings of several processes are in tests/end_to_end."""

import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
from ports import free_ports
from repository import HELPERS, ROOT

from trainer_module.contract.errors import InputError
from trainer_module.multi_worker.multi_worker import (
    INVITATION,
    TrainingJob,
    _invitation,
    read_invitation,
    withdraw,
)
from trainer_module.training_options import TrainingOptions

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
from trainer_module.multi_worker.multi_worker import RENDEZVOUS, lead
lead(JOB.model_copy(update={"custom_config": {**JOB.custom_config, RENDEZVOUS: sys.argv[1]}}))
"""


@pytest.mark.slow
def test_a_program_does_not_outlive_a_leader_that_is_killed(tmp_path):
    # It waits for another worker, who never comes.
    cluster = {"worker": [f"127.0.0.1:{port}" for port in free_ports(2)]}
    task = {"type": "worker", "index": 1}
    leader = subprocess.Popen(
        [sys.executable, "-c", LEADER, str(tmp_path)],
        env=os.environ
        | {"TF_CONFIG": json.dumps({"cluster": cluster, "task": task})}
        | {"PYTHONPATH": f"{ROOT}:{HELPERS}"},
        stderr=subprocess.DEVNULL,
    )
    while not (programs := psutil.Process(leader.pid).children()):
        assert leader.poll() is None
        time.sleep(0.1)
    assert "trainer_module.multi_worker.worker_program" in programs[0].cmdline()
    time.sleep(15)  # it has imported TensorFlow, or nearly, and waits
    leader.send_signal(signal.SIGKILL)
    leader.wait()
    assert psutil.wait_procs(programs, timeout=20)[1] == []
