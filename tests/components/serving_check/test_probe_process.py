"""The process of the probe; test_probe.py calls the probe in this process."""

import io
import sys
from pathlib import Path

import pytest
from tiny_models import ColourModel, example, save_model, write_shard

from components.serving_check import probe_process
from components.serving_check.probe_process import run_probe, started_ahead

pytestmark = pytest.mark.component


@pytest.fixture(name="program")
def _program(tmp_path, monkeypatch):
    """Writes a program in place of the probe."""

    def write(text: str) -> None:
        program = tmp_path / "probe.py"
        program.write_text(text)
        monkeypatch.setattr(probe_process.probe, "__file__", str(program))

    return write


def test_a_model_that_hangs_is_a_problem_after_the_time_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(probe_process, "TIME_LIMIT", 0.1)
    shard = write_shard(tmp_path / "examples", [example("day", "red", (255, 0, 0))])
    findings = run_probe(str(save_model(tmp_path / "model", ColourModel())), [shard])
    assert findings["problems"] == ["no response within 0.1 s"]


def test_a_probe_that_crashes_is_a_problem_with_its_last_line_of_output(program):
    program("import sys; sys.exit('out of memory')")
    assert run_probe("model", [])["problems"] == ["the process ended with code 1: out of memory"]


def test_the_probe_runs_in_an_empty_folder_without_our_code_on_its_path(
    program, tmp_path, monkeypatch
):
    program(
        "import json, os, sys\n"
        "print('noise')\n"
        "print(json.dumps({'problems': os.listdir(), 'seconds': 0, 'path': sys.path}))\n"
    )
    monkeypatch.setenv("PYTHONPATH", "/of/ours")
    findings = run_probe("model", [])
    assert findings["problems"] == []
    assert not {"", ".", "/of/ours", str(tmp_path)} & set(findings["path"])


def test_the_probe_sees_no_gpu(program, monkeypatch):
    program(
        "import json, os\n"
        "print(json.dumps({'problems': [os.environ['CUDA_VISIBLE_DEVICES']], 'seconds': 0}))\n"
    )
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert run_probe("model", [])["problems"] == ["-1"]


def test_a_process_that_was_started_ahead_is_used_once_and_for_its_model_alone(program):
    program(
        "import json, os, sys\n"
        "line = sys.stdin.readline()\n"
        "print(json.dumps({'problems': [], 'seconds': 0, 'pid': os.getpid(), 'line': line}))\n"
    )
    with started_ahead("model", ["shard"]):
        [waiting] = probe_process._ahead
        other = run_probe("other", ["shard"])
        first, second = run_probe("model", ["shard"]), run_probe("model", ["shard"])
    assert other["line"] == '["other", 8, "shard"]\n'
    assert first["line"] == second["line"] == '["model", 8, "shard"]\n'
    assert first["pid"] == waiting._process.pid
    assert len({other["pid"], first["pid"], second["pid"]}) == 3


def test_a_model_is_checked_before_its_result_is_asked_for(program, tmp_path):
    program(
        "import json, pathlib, sys\n"
        "model = json.loads(sys.stdin.readline())[0]\n"
        "pathlib.Path(model).write_text('checked')\n"
        "print(json.dumps({'problems': [], 'seconds': 0}))\n"
    )
    model = tmp_path / "model"
    with started_ahead(str(model), []):
        [waiting] = probe_process._ahead
        assert waiting._process.wait(60) == 0
        assert model.read_text() == "checked"
        assert run_probe(str(model), []) == {"problems": [], "seconds": 0}


def test_a_process_that_nobody_used_is_ended_with_its_folder(program):
    program("import sys, time\nsys.stdin.readline()\ntime.sleep(600)\n")
    with pytest.raises(ZeroDivisionError), started_ahead("model", []):
        [waiting] = probe_process._ahead
        raise ZeroDivisionError
    assert waiting._process.returncode != 0
    assert not Path(waiting._empty.name).exists()
    assert probe_process._ahead == []


def test_the_probe_ends_without_a_line(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO())  # as if its parent had died
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    probe_process.probe.main()
    assert capsys.readouterr().out == ""
