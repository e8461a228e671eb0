import os

import pytest
from overview_site import RUN_1, RUN_2, make_site
from tiny_pictures import write_files

from pipeline.overview.run_reports import has_report, newest_run, open_report
from pipeline.workspace import Workspace


@pytest.fixture(name="workspace")
def _workspace(tmp_path):
    make_site(tmp_path)
    return Workspace(tmp_path)


def test_the_newest_run_is_the_last_one_that_has_ended(workspace):
    (workspace.runs / "20240103-000000").mkdir()  # it runs now
    write_files(workspace.runs, {"notes/summary.json": b"{}"})
    assert newest_run(workspace) == RUN_2


def test_a_workspace_without_runs_has_no_newest_run(tmp_path):
    assert newest_run(Workspace(tmp_path)) is None


def test_the_report_of_a_run_is_opened(workspace):
    with open_report(workspace, RUN_1) as file:
        assert file.read() == f"<p>{RUN_1}".encode()
    assert has_report(workspace, RUN_1)


@pytest.mark.parametrize(
    "run_id", ["", ".", "..", "../runs/" + RUN_1, RUN_1 + "/", "notes", RUN_1 + "\0", RUN_1 + "\n"]
)
def test_nothing_but_the_name_of_a_run_is_looked_up(workspace, run_id):
    write_files(workspace.runs, {"notes/report.html": b"secret"})
    with pytest.raises(FileNotFoundError):
        open_report(workspace, run_id)


def test_a_report_that_is_a_link_or_a_pipe_is_not_opened(workspace):
    secret = workspace.root / "secret"
    secret.write_bytes(b"secret")
    report = workspace.runs / RUN_1 / "report.html"
    report.unlink()
    report.symlink_to(secret)
    assert not has_report(workspace, RUN_1)
    report.unlink()
    os.mkfifo(report)
    assert not has_report(workspace, RUN_1)


def test_a_workspace_that_is_reached_through_a_link_has_its_reports(workspace, tmp_path_factory):
    link = tmp_path_factory.mktemp("other") / "link"
    link.symlink_to(workspace.root)
    assert has_report(Workspace(link), RUN_1)
