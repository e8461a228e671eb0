"""Bundles: one reproducible tar of a version and its run."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from served_versions import FILES, NAME, RUN_ID, SECRET, serve_version
from tiny_models import ColourModel, save_model
from tiny_pictures import solid, write_files
from unpacked_bundles import check_sums, unpack

from pipeline.predicting.prediction import predict_images
from pipeline.publishing.bundle import bundle
from pipeline.version_lookup import find_store, show_versions
from trainer_module.contract.errors import InputError, UnavailableError

CONTENT = {
    "MODEL_CARD.md",
    "SHA256SUMS",
    f"runs/{RUN_ID}/config.yaml",
    f"runs/{RUN_ID}/report.html",
    f"runs/{RUN_ID}/summary.json",
    *(f"serving/{NAME}/1/{name}" for name in (*FILES, "fingerprint", "assets.extra/push.json")),
}


def names(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix() for path in files}


def test_a_bundle_holds_version_card_run_and_the_checksums_of_all(tmp_path, capsys):
    store = serve_version(tmp_path / "workspace")
    bundle(store.root, None, None, tmp_path / "out")
    path = tmp_path / "out" / "pets-1.tar"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert capsys.readouterr().out.splitlines() == [
        f"Bundle of version 1: {path}",
        f"SHA-256: {digest}",
    ]
    inner = unpack(path, tmp_path / "unpacked")
    assert inner.name == "pets-1"
    assert names(inner) == CONTENT
    listed = {line.split("  ")[1] for line in (inner / "SHA256SUMS").read_text().splitlines()}
    assert listed == CONTENT - {"SHA256SUMS"}
    assert [one.name for one in path.parent.iterdir()] == ["pets-1.tar"]


def test_a_changed_byte_does_not_match_the_checksums(tmp_path):
    store = serve_version(tmp_path / "workspace")
    bundle(store.root, None, None, tmp_path / "out")
    inner = unpack(tmp_path / "out" / "pets-1.tar", tmp_path / "unpacked")
    (inner / "serving" / NAME / "1" / "saved_model.pb").write_bytes(b"grapH")
    with pytest.raises(subprocess.CalledProcessError):
        check_sums(inner)


def test_bundles_of_a_version_are_equal_wherever_and_whenever_they_are_made(tmp_path, monkeypatch):
    first = serve_version(tmp_path / "workspace")
    bundle(first.root, None, None, tmp_path / "one")
    moved = tmp_path / "another disk"
    shutil.copytree(first.root, moved)
    for path in moved.rglob("*"):
        path.chmod(0o700)
        os.utime(path, (1e9, 1e9))
    (moved / "serving" / NAME / "1" / "notes.txt").write_text("put there later")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    previous = os.umask(0o077)
    try:
        bundle(moved, NAME, 1, tmp_path / "two")
    finally:
        os.umask(previous)
    one, two = (tmp_path / name / "pets-1.tar" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_a_bundle_holds_no_credential(tmp_path):
    store = serve_version(tmp_path / "workspace")
    bundle(store.root, None, None, tmp_path)
    content = (tmp_path / "pets-1.tar").read_bytes()
    assert SECRET.encode() not in content
    assert b"s3://me:(masked)@host/pictures" in content


def test_the_same_bundle_is_left_alone_and_another_file_is_replaced_only_with_force(
    tmp_path, capsys
):
    store = serve_version(tmp_path / "workspace")
    bundle(store.root, None, None, tmp_path)
    path = tmp_path / "pets-1.tar"
    os.utime(path, (1e9, 1e9))
    bundle(store.root, None, None, tmp_path)
    assert path.stat().st_mtime == 1e9
    (store.root / "runs" / RUN_ID / "report.html").write_text("written again")
    with pytest.raises(InputError, match=r"pets-1\.tar exists already, and is not this bundle"):
        bundle(store.root, None, None, tmp_path)
    assert path.stat().st_mtime == 1e9
    bundle(store.root, None, None, tmp_path, force=True)
    assert b"written again" in path.read_bytes()
    assert not list(tmp_path.glob("*.part"))


def test_a_report_that_was_removed_is_said_and_one_that_is_not_wanted_is_not(tmp_path, capsys):
    store = serve_version(tmp_path / "workspace")
    bundle(store.root, None, None, tmp_path / "without", with_report=False)
    assert not capsys.readouterr().err
    (store.root / "runs" / RUN_ID / "report.html").unlink()
    bundle(store.root, None, None, tmp_path / "removed")
    assert f"runs/{RUN_ID} has no report.html, so the bundle" in capsys.readouterr().err
    inner = unpack(tmp_path / "without" / "pets-1.tar", tmp_path / "unpacked")
    assert names(inner) == CONTENT - {f"runs/{RUN_ID}/report.html"}


def test_a_version_whose_run_was_removed_has_a_card_and_no_run(tmp_path, capsys):
    store = serve_version(tmp_path / "workspace")
    (store.root / "runs" / RUN_ID / "summary.json").unlink()
    bundle(store.root, None, None, tmp_path / "out")
    assert "has no config.yaml, summary.json and report.html" in capsys.readouterr().err
    inner = unpack(tmp_path / "out" / "pets-1.tar", tmp_path / "unpacked")
    assert not (inner / "runs").exists()
    assert "The run was removed" in (inner / "MODEL_CARD.md").read_text()


def test_a_version_that_lost_a_file_is_refused_and_nothing_is_written(tmp_path):
    store = serve_version(tmp_path / "workspace")
    (store.path(1) / "variables" / "variables.index").unlink()
    with pytest.raises(UnavailableError, match=r"damaged: variables/variables\.index is missing"):
        bundle(store.root, None, None, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_versions_that_do_not_serve_are_refused(tmp_path):
    store = serve_version(tmp_path / "workspace")
    serve_version(store.root, 2)
    store.roll_back()
    with pytest.raises(InputError, match="version 2 of 'pets' was rolled back"):
        bundle(store.root, None, 2, tmp_path / "out")
    with pytest.raises(InputError, match=r"has no version 7\. Versions in .*: 1\."):
        bundle(store.root, None, 7, tmp_path / "out")


def test_a_command_that_is_killed_leaves_nothing_under_the_final_name(tmp_path):
    store = serve_version(tmp_path / "workspace", model=_large_model(tmp_path / "large"))
    code = "from pipeline.publishing.bundle import bundle\nfrom pathlib import Path\nimport sys\n"
    code += "bundle(Path(sys.argv[1]), None, None, Path(sys.argv[2]))"
    command = [sys.executable, "-c", code, store.root, tmp_path / "out"]
    final, part = (tmp_path / "out" / f"pets-1.tar{suffix}" for suffix in ("", ".part"))
    with subprocess.Popen(command) as process:
        while process.poll() is None and not (part.exists() and part.stat().st_size):
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert part.stat().st_size
    assert not final.exists()
    bundle(store.root, None, None, tmp_path / "out")
    unpack(final, tmp_path / "unpacked")
    assert not part.exists()


def _large_model(folder):
    return write_files(folder, FILES | {"variables/variables.data": bytes(100_000_000)})


@pytest.mark.component
def test_the_unpacked_folder_predicts_as_the_workspace_does(tmp_path, capsys):
    model = save_model(tmp_path / "model", ColourModel())
    (model / "assets.extra" / "model.json").write_bytes(FILES["assets.extra/model.json"])
    store = serve_version(tmp_path / "workspace", model=model)
    bundle(store.root, None, None, tmp_path)
    inner = unpack(tmp_path / "pets-1.tar", tmp_path / "unpacked")
    pictures = write_files(tmp_path / "new", {"a.png": solid("red"), "b.png": solid((90, 90, 9))})
    capsys.readouterr()
    answers = []
    for workspace in (store.root, inner):
        assert predict_images([pictures], workspace, None) == 0
        answers.append(capsys.readouterr().out)
    assert answers[0] == answers[1] != ""
    show_versions(find_store(inner, None))
    assert "1 (serving)" in capsys.readouterr().out
