"""Candidates of runs on Kubeflow that are not pushed."""

from types import SimpleNamespace
from typing import Any

import pytest
from tiny_pictures import write_files

from pipeline.kubeflow.kept_candidate import keep_candidate
from pipeline.summary.run_outputs import candidate_uri, read_outputs

pytestmark = pytest.mark.component


@pytest.mark.parametrize("model", [("Trainer", "model"), ("Candidate", "result")])
def test_what_a_push_needs_is_kept_in_the_workspace(tmp_path, model):
    run: Any = SimpleNamespace(folder=tmp_path / "workspace" / "runs" / "20260101-000000")
    run.folder.mkdir(parents=True)
    needed = [
        ("ImageExampleGen", "catalog"),
        ("StatisticsGen", "statistics"),
        ("Evaluator", "evaluation"),
        model,
    ]
    store = tmp_path / "container"
    outputs: dict[str, dict[str, str]] = {"DataGate": {"findings": str(store / "findings")}}
    for task, output in needed:
        write_files(store / task / output, {"part/file": output.encode()})
        outputs.setdefault(task, {})[output] = str(store / task / output)

    keep_candidate(run, outputs)
    keep_candidate(run, outputs)  # as a second attempt of the step does
    store.rename(tmp_path / "gone")
    kept = read_outputs(run.folder)
    assert {(task, name) for task, found in kept.items() for name in found} == set(needed)
    for task, output in needed:
        content = tmp_path / "workspace" / "runs" / "20260101-000000" / "candidate" / task / output
        assert kept[task][output] == str(content)
        assert (content / "part" / "file").read_bytes() == output.encode()
    assert candidate_uri(kept) == kept[model[0]][model[1]]
