import pytest
from tiny_report import tiny_record
from tiny_summary import summary

from pipeline.report.run_record import read_record
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError

pytestmark = pytest.mark.component


def test_an_unknown_or_unfinished_run_is_refused_with_the_known_runs(tmp_path):
    with pytest.raises(InputError, match="or run: carryover run"):
        read_record(Workspace(tmp_path), None)
    tiny_record(tmp_path / "runs" / "20240101-000000", summary())
    with pytest.raises(InputError, match="Runs: 20240101-000000"):
        read_record(Workspace(tmp_path), "20250101-000000")
    assert read_record(Workspace(tmp_path), None).config["name"] == "pets"
