"""A whole run on a real Flink cluster, against a run on this machine. It has its own command:
`make flink-test`, which fetches Flink and Beam's job server.
"""

import json
import shutil
import subprocess
import time
from pathlib import Path

import flink_cluster
import pytest
from command import newest_summary, run_arguments
from compared import comparable, rounded
from flink_cluster import FlinkCluster
from repository import ROOT
from with_tiny_backbone import command_line

pytestmark = [
    pytest.mark.flink,
    pytest.mark.skipif(bool(flink_cluster.missing()), reason=str(flink_cluster.missing())),
]

#: What Beam jobs do, in the order in which they run. The Evaluator has two.
JOBS = ("ImageExampleGen", "StatisticsGen", "Transform", "predictions", "Evaluator")
PATIENCE = 900


@pytest.fixture
def cluster(tmp_path):
    """Two task managers, either of which could do all the work alone."""
    flink_cluster.fetch()
    with FlinkCluster(tmp_path / "flink", task_managers=2) as started:
        yield started


def start_run(
    cluster: FlinkCluster, data: Path, workspace: Path, **options: str
) -> subprocess.Popen[str]:
    beam = json.dumps({"runner": "flink", "options": cluster.options | options})
    return subprocess.Popen(
        [*command_line("pipeline.cli"), *run_arguments(data, workspace, beam=beam)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_for_tasks(cluster: FlinkCluster, run: subprocess.Popen[str], number: int) -> str:
    """Wait until every task of the job of this number works; returns Flink's name for the job."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and run.poll() is None:
        jobs = sorted(cluster.ask("jobs/overview")["jobs"], key=lambda job: job["start-time"])
        if len(jobs) > number and jobs[number]["tasks"]["running"] >= 2:
            return jobs[number]["jid"]
        time.sleep(0.2)
    raise AssertionError(f"job {number} never ran:\n{run.communicate()[0]}")


def test_a_run_on_flink_comes_to_what_a_local_one_does(cluster, finished, data, tmp_path):
    run = start_run(cluster, data, tmp_path / "workspace")
    output, _ = run.communicate(timeout=PATIENCE)
    assert run.returncode == 0, output
    states = [job["state"] for job in cluster.ask("jobs/overview")["jobs"]]
    assert states == ["FINISHED"] * len(JOBS)
    # Every task manager had a Python worker of its own for every job.
    assert cluster.workers_started() == [len(JOBS)] * 2
    summary = newest_summary(tmp_path / "workspace")
    assert summary["status"] == "pushed"
    assert comparable(summary) == rounded(comparable(finished.summary))


@pytest.mark.parametrize("work", JOBS)
def test_a_task_manager_that_is_killed_does_not_lose_the_run(
    work, cluster, finished, data, tmp_path
):
    run = start_run(cluster, data, tmp_path / "workspace")
    job = wait_for_tasks(cluster, run, JOBS.index(work))
    cluster.kill_task_manager()
    output, _ = run.communicate(timeout=PATIENCE)
    assert run.returncode == 0, output
    assert cluster.failures(job)
    summary = newest_summary(tmp_path / "workspace")
    assert comparable(summary) == rounded(comparable(finished.summary))


@pytest.mark.skipif(not shutil.which("go"), reason="Beam's boot program is built by Go")
def test_workers_without_the_package_are_sent_it(finished, data, tmp_path):
    flink_cluster.fetch()
    try:
        bare = flink_cluster.fetch_bare_workers()
    except flink_cluster.ChecksumsUnavailableError as error:
        pytest.skip(f"Beam's boot program cannot be checked: {error}")
    look = [bare.python, "-c", "import pipeline"]
    assert subprocess.run(look, cwd=tmp_path, stderr=subprocess.DEVNULL, check=False).returncode
    with FlinkCluster(tmp_path / "flink", task_managers=1, bare=bare) as cluster:
        run = start_run(cluster, data, tmp_path / "workspace", setup_file=str(ROOT / "setup.py"))
        output, _ = run.communicate(timeout=PATIENCE)
    assert run.returncode == 0, output
    subprocess.run(look, cwd=tmp_path, check=True)
    summary = newest_summary(tmp_path / "workspace")
    assert comparable(summary) == rounded(comparable(finished.summary))
