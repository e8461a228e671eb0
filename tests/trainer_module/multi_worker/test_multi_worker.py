"""Training jobs; trainings of several processes are in tests/end_to_end."""

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
from training_jobs import JOB

from trainer_module.contract.errors import InputError
from trainer_module.multi_worker.multi_worker import (
    JOB_FILE,
    _published,
    read_job,
    withdraw_job,
)

#: Most seconds to wait for TensorFlow to be imported, on a machine that does other work too.
DEADLINE = 120.0


def test_a_job_is_published_complete_while_the_training_runs(tmp_path):
    folder = tmp_path / "jobs"
    assert read_job(folder) is None
    with _published(folder, JOB):
        assert read_job(folder) == JOB
    assert list(folder.iterdir()) == []


def test_the_job_of_a_killed_chief_is_withdrawn(tmp_path):
    (tmp_path / JOB_FILE).write_text(JOB.model_dump_json())
    withdraw_job(tmp_path)
    assert read_job(tmp_path) is None
    withdraw_job(tmp_path)


def test_a_job_of_another_version_is_refused(tmp_path):
    (tmp_path / JOB_FILE).write_text('{"job_id": "one", "unheard": "of"}')
    with pytest.raises(InputError, match="Install the chief's version"):
        read_job(tmp_path)


def wait_until_listening(process: psutil.Process, port: int) -> None:
    """Wait until a process serves its part of the cluster, and waits for the others in C++ code."""
    deadline = time.monotonic() + DEADLINE
    while True:
        listening = {
            connection.laddr.port
            for connection in process.net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN
        }
        if port in listening:
            return
        assert process.is_running(), "the program ended before it waited for its workers"
        assert time.monotonic() < deadline, f"nothing listens on port {port} after {DEADLINE} s"
        time.sleep(0.1)


@pytest.mark.slow
def test_a_program_does_not_outlive_a_chief_that_is_killed(tmp_path):
    # The program waits for the first worker, which never comes.
    ports = free_ports(2)
    cluster = {"worker": [f"127.0.0.1:{port}" for port in ports]}
    task = {"type": "worker", "index": 1}
    chief = subprocess.Popen(
        [sys.executable, str(HELPERS / "training_jobs.py"), str(tmp_path)],
        env=os.environ
        | {"TF_CONFIG": json.dumps({"cluster": cluster, "task": task})}
        | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.DEVNULL,
    )
    try:
        while not (programs := psutil.Process(chief.pid).children()):
            assert chief.poll() is None
            time.sleep(0.1)
        assert "trainer_module.multi_worker.worker_program" in " ".join(programs[0].cmdline())
        wait_until_listening(programs[0], ports[1])
    finally:
        chief.send_signal(signal.SIGKILL)
        chief.wait()
    assert psutil.wait_procs(programs, timeout=20)[1] == []
