"""The end of a run on this machine; whole runs are in tests/end_to_end."""

import io

import pytest
from rich.console import Console
from tiny_report import tiny_record
from tiny_summary import summary

from pipeline.config.config_file import load_config
from pipeline.inputs.snapshot import Snapshot
from pipeline.running.local_run import report_run
from pipeline.running.run import Run
from pipeline.terminal.progress_display import ProgressDisplay
from pipeline.workspace import Workspace

pytestmark = pytest.mark.component


def test_a_report_that_fails_is_a_message_and_no_error(tmp_path, capfd):
    workspace = Workspace(tmp_path)
    folder = tiny_record(workspace.runs / "1", summary()).folder
    (folder / "config.yaml").write_text("gate: [")
    shown = io.StringIO()
    config = load_config(None, [], {"data": "/pictures", "workspace": tmp_path})
    progress = ProgressDisplay(Console(file=shown, width=200))
    listing = Snapshot(tmp_path, "digest", "/pictures", ("day",), 1, {}, ())
    report_run(Run("1", config, workspace, listing, progress, folder))
    last = shown.getvalue().splitlines()[-1]
    assert last.startswith("    The report failed; the run's results are not affected.")
    assert str(workspace.log("1")) in last
    assert "yaml" in capfd.readouterr().err
