"""What a pass reads before it looks at the inbox."""

import pytest
from retraining_site import CORRECT
from tiny_workspace import NAME, push_copy, write_colours
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.config.config_file import load_config
from pipeline.retraining.retraining_commands import read_config
from pipeline.workspace import Workspace

pytestmark = pytest.mark.component


def serve_run(site, *overrides: str) -> None:
    """Push a version of a run that was started with `--set`."""
    values = {"data": "/data", "name": NAME, "workspace": site.workspace}
    run_id = Workspace(site.workspace).new_run(load_config(None, list(overrides), values))
    push_copy(site.store, site.workspace / "model", run_id)


def test_what_set_allowed_for_one_run_is_not_allowed_for_the_batches_after_it(site):
    serve_run(site, "validation.allow=[empty_split]", "gate.max_drop=0.5", "seed=5")
    config = read_config(site.workspace, NAME, None, [], site.inbox)
    assert (config.validation.allow, config.gate.max_drop, config.seed) == ((), 0.02, 5)
    given = ["gate.max_drop=0.4"]
    assert read_config(site.workspace, NAME, None, given, site.inbox).gate.max_drop == 0.4


def test_a_pass_says_which_gates_it_does_not_inherit(site):
    serve_run(site, "gate.max_drop=0.5")
    arguments = ["retrain", "--workspace", str(site.workspace), "--inbox", str(site.inbox)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0
    assert "gate.max_drop is 0.02, not 0.5: what --set changed held for run " in done.stderr
    done = CliRunner().invoke(app, [*arguments, "--set", "gate.max_drop=0.5"])
    assert "gate.max_drop" not in done.stderr


def test_a_quiet_pass_says_so_only_where_it_has_something_to_do(site):
    serve_run(site, "gate.max_drop=0.5")
    arguments = ["retrain", "--workspace", str(site.workspace), "--inbox", str(site.inbox)]
    done = CliRunner().invoke(app, [*arguments, "--quiet"])
    assert (done.exit_code, done.output, done.stderr) == (0, "", "")
    write_colours(site.inbox / "fog", "fog", CORRECT[:1])
    done = CliRunner().invoke(app, [*arguments, "--quiet"])
    assert "gate.max_drop is 0.02, not 0.5" in done.stderr
