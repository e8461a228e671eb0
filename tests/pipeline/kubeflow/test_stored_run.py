"""What the first step of a run on Kubeflow leaves for the last ones."""

from dataclasses import replace
from pathlib import Path

import pytest
from tiny_pictures import write_files

from components.data_gate.findings import Finding
from pipeline.inputs.snapshot import take_snapshot
from pipeline.kubeflow.stored_run import StoredRun
from pipeline.retraining.begun_training import BegunTraining
from trainer_module.contract.errors import UnavailableError
from trainer_module.cross_fitting.folds import NO_FOLDS, Folds

pytestmark = pytest.mark.component


@pytest.mark.parametrize("slice_values", [None, Path("/workspace/inputs/slices.parquet")])
def test_a_run_is_read_as_it_was_written_but_for_the_folds(tmp_path, slice_values):
    data = write_files(tmp_path / "data", {"day/cat/a.png": b"", "day/dog/.keep": b""})
    snapshot = replace(
        take_snapshot(str(data), tmp_path / "in"),
        slice_values=slice_values,
        batch="abc",
        new_folders=("batches/abc",),
        unverified={"night\udcff": ("a.png",)},
        findings=(Finding(kind="drift", severity="warning", text="darker"),),
        folds=Folds(new={"a.png": 1}),
    )
    begun = BegunTraining(3, {"changed_labels": 2}, "2 labels", "inputs/unlabelled-1")
    stored = StoredRun(snapshot, 4, begun)
    stored.write(tmp_path)
    assert StoredRun.read(tmp_path) == replace(stored, snapshot=replace(snapshot, folds=NO_FOLDS))


def test_a_run_over_all_pictures_is_for_no_batch(tmp_path):
    data = write_files(tmp_path / "data", {"day/cat/a.png": b""})
    stored = StoredRun(take_snapshot(str(data), tmp_path / "in"), None)
    assert not StoredRun.exists(tmp_path)
    stored.write(tmp_path)
    assert StoredRun.exists(tmp_path)
    assert StoredRun.read(tmp_path) == stored


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "kubeflow.json").write_text("[")
    with pytest.raises(UnavailableError, match=r"kubeflow\.json.*Start a new run"):
        StoredRun.read(tmp_path)
