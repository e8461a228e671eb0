"""The command, from its options to its last line."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import uvicorn
from label_page import open_session
from repository import ROOT
from tiny_pictures import solid, write_files

from pipeline.labelling.decision_journal import DecisionJournal
from pipeline.labelling.label_server import LabelOptions, _Finisher, label
from trainer_module.contract.errors import InputError
from trainer_module.contract.model_assets import DESCRIPTION


@pytest.fixture(name="folder")
def _folder(tmp_path):
    folder = tmp_path / "my pictures"
    write_files(folder, {f"fog/_to_label/{name}.png": solid("red") for name in (1, 2, 3)})
    return folder


def decide(folder: Path, output: Path, **labels: str) -> None:
    """Add labels to the journal, as the page does."""
    journal = DecisionJournal(output.with_name(f".{output.name}.labels.jsonl"))
    for name, given in labels.items():
        path = folder / "fog/_to_label" / f"{name[1:]}.png"
        status = path.stat()
        journal.append({"class": given})
        journal.append(
            {"path": str(path.relative_to(folder)), "bytes": status.st_size}
            | {"modified": status.st_mtime_ns, "decision": "labelled", "label": given}
        )
    journal.close()


def test_finish_writes_the_labels_so_far_and_tells_what_to_do_next(folder, tmp_path, capsys):
    write_files(folder, {"list.csv": b""})
    decide(folder, tmp_path / "my pictures-labelled", _1="cat", _3="dog")
    label(LabelOptions(folder), finish=True)
    assert capsys.readouterr().out.splitlines() == [
        "Cannot be labelled: 1",
        "  list.csv: not in the folder of a domain",
        f"Written to {tmp_path}/my pictures-labelled: 2 labelled pictures, 1 without a label",
        "  fog: cat 1, dog 1",
        "Move the folder into your inbox.",
        "Next: carryover watch trains on the labels; where it does not run:",
        "  carryover retrain --workspace WORKSPACE --inbox INBOX",
    ]
    assert (tmp_path / "my pictures-labelled" / "_READY").exists()


def test_a_batch_in_an_inbox_is_written_there(folder, tmp_path, capsys):
    output = tmp_path / "in box" / "batch"
    output.parent.mkdir()
    decide(folder, output, _1="cat")
    label(LabelOptions(folder, output=output, only_labelled=True), finish=True)
    assert capsys.readouterr().out.splitlines() == [
        f"Written to {output}: 1 labelled picture",
        "  fog: cat 1",
        "Left out: 2 without a label",
        "Next: carryover watch trains on the labels; where it does not run:",
        f"  carryover retrain --workspace WORKSPACE --inbox '{tmp_path}/in box'",
    ]
    with pytest.raises(InputError, match=r"exists already\. Name another folder"):
        label(LabelOptions(folder, output=output), finish=True)


def test_classes_that_no_folder_can_have_are_named_and_not_offered(folder, tmp_path, capsys):
    description = tmp_path / "workspace/serving/model/1" / DESCRIPTION
    write_files(description.parent, {description.name: b'{"labels": ["cat", "a/b"]}'})
    options = LabelOptions(folder, workspace=tmp_path / "workspace")
    decide(folder, tmp_path / "my pictures-labelled", _1="cat")
    label(options, finish=True)
    printed = capsys.readouterr().out
    assert printed.startswith("Not offered: class 'a/b': the name holds a slash. Leave it out.\n")
    assert f"carryover retrain --workspace {tmp_path}/workspace --inbox INBOX\n" in printed


def test_the_next_command_names_the_workspace_of_an_earlier_start(folder, tmp_path, capsys):
    workspace, output = tmp_path / "work space", tmp_path / "inbox" / "batch"
    model = (workspace / "serving/model/1" / DESCRIPTION).parent
    write_files(model, {Path(DESCRIPTION).name: b'{"labels": ["cat"]}'})
    decide(folder, output, _1="cat")
    label(LabelOptions(folder, workspace=workspace, output=output), finish=True)
    shutil.rmtree(output)
    capsys.readouterr()
    label(LabelOptions(folder, output=output), finish=True)
    [*_, step] = capsys.readouterr().out.splitlines()
    assert step == f"  carryover retrain --workspace '{workspace}' --inbox {tmp_path}/inbox"
    shutil.rmtree(output)
    workspace.rename(tmp_path / "moved")
    label(LabelOptions(folder, output=output), finish=True)
    assert "--workspace WORKSPACE --inbox" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"output": "my pictures/out"}, "in the folder of the pictures"),
        ({"output": ".hidden"}, "an inbox leaves a folder of this name alone"),
        ({"name": "model"}, "Give --classes-from, too"),
        ({"domain": "a/b"}, "domain 'a/b': the name holds a slash"),
        ({"output": "_unlabelled"}, "is kept for what a batch holds. Give another name"),
        ({"output": "_to_label"}, "is kept for what a batch holds. Give another name"),
        ({"output": "fog.csv"}, r"a name that ends in \.csv for that of a manifest. Give another"),
        ({"workspace": Path("missing")}, "workspace of a run with --classes-from WORKSPACE, or"),
        ({"workspace": Path("a[b")}, "Give the workspace of a run with --classes-from WORKSPACE"),
    ],
)
def test_options_that_cannot_work_are_refused_before_anything_is_written(
    folder, tmp_path, options, message
):
    if "output" in options:
        options = {"output": tmp_path / options["output"]}
    with pytest.raises(InputError, match=message):
        label(LabelOptions(folder, **options), finish=True)
    assert [one.name for one in tmp_path.iterdir()] == ["my pictures"]


def test_the_page_is_served_until_a_signal_and_every_label_is_kept(folder, tmp_path):
    command = [sys.executable, "-m", "pipeline.cli", "label", str(folder)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout
        first = process.stdout.readline()
        address = re.search(r"http://127\.0\.0\.1:\d+/[\w-]{22}/", first)
        assert address, first
        with urllib.request.urlopen(address[0], timeout=30) as response:  # noqa: S310
            assert b"<h1>my pictures</h1>" in response.read()
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
    assert process.returncode == 0
    assert "0 of 3 pictures are labelled. The labels are kept: the same command resumes" in rest


def test_a_signal_before_the_server_runs_stops_it(folder, monkeypatch):
    run = uvicorn.Server.run

    def interrupted(server: uvicorn.Server, sockets: list[socket.socket]) -> None:
        signal.raise_signal(signal.SIGTERM)
        run(server, sockets)

    monkeypatch.setattr(uvicorn.Server, "run", interrupted)
    before = [(one, signal.getsignal(one)) for one in (signal.SIGTERM, signal.SIGINT)]
    try:
        label(LabelOptions(folder), finish=False)
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def test_two_requests_to_finish_write_one_batch(folder, tmp_path, capsys):
    output = tmp_path / "batch"
    write_files(folder, {"fog/cat/4.png": solid("blue")})
    barrier = threading.Barrier(2)
    with open_session(folder) as session:
        write = _Finisher(LabelOptions(folder), session, folder, output)

        def finish(_number: int) -> list[str]:
            barrier.wait()
            return write()

        with ThreadPoolExecutor(2) as pool:
            first, second = pool.map(finish, range(2))
        assert first == second
        with pytest.raises(InputError, match="the batch is written"):
            session.add_class("owl")
    assert capsys.readouterr().out.count("Written to") == 1


def test_pictures_that_were_added_since_the_start_are_named(folder, tmp_path, capsys):
    write_files(folder, {"fog/cat/4.png": solid("blue")})
    with open_session(folder) as session:
        write_files(folder, {"fog/new.png": solid("blue")})
        _Finisher(LabelOptions(folder), session, folder, tmp_path / "batch")()
    assert "  fog/new.png: added since the start; " in capsys.readouterr().out


def test_finish_without_a_label_ends_with_exit_code_2_and_writes_nothing(folder, tmp_path):
    output = tmp_path / "batch"
    command = [sys.executable, ROOT / "carryover_command.py", "label", folder, "--finish"]
    done = subprocess.run(
        [*command, "--output", output], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.endswith("the same command without --finish opens it.")
    assert not output.exists()


def test_outer_spaces_of_a_domain_do_not_count(folder, tmp_path):
    options = LabelOptions(folder / "fog", output=tmp_path / "batch", domain=" fog ")
    write_files(folder, {"fog/cat/4.png": solid("blue")})
    label(options, finish=True)
    assert (tmp_path / "batch/fog/_unlabelled/1.png").exists()


def test_a_folder_that_cannot_be_one_of_pictures_is_refused(tmp_path):
    with pytest.raises(InputError, match="DIR / holds every folder"):
        label(LabelOptions(Path("/")), finish=True)
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(InputError, match="loop"):
        label(LabelOptions(tmp_path / "loop"), finish=True)
