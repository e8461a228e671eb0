import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from tiny_pictures import write_files

from pipeline.inputs.snapshot import take_snapshot
from pipeline.kubeflow.programs.summarise_run import read_snapshot

pytestmark = pytest.mark.component


@pytest.mark.parametrize("slice_values", [None, Path("/workspace/inputs/slices.parquet")])
def test_the_summary_has_the_names_of_the_files_that_the_first_step_wrote(tmp_path, slice_values):
    data = write_files(tmp_path / "data", {"day/cat/a.png": b""})
    taken = replace(take_snapshot(str(data), tmp_path / "in"), slice_values=slice_values)
    snapshot = read_snapshot(json.dumps(asdict(taken), default=str))
    assert snapshot.path == taken.path
    assert snapshot.slice_values == slice_values
