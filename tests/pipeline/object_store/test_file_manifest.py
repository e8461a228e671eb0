import os

import pytest

from pipeline.object_store.file_manifest import FileManifest, scan_files
from pipeline.object_store.stored_paths import is_stored
from trainer_module.contract.errors import InputError


def everything(path: str) -> bool:
    return True


def test_a_manifest_has_files_links_and_empty_folders(tmp_path):
    (tmp_path / "serving" / "pets").mkdir(parents=True)
    (tmp_path / "runs" / "1").mkdir(parents=True)
    (tmp_path / "runs" / "1" / "summary.json").write_text("{}")
    (tmp_path / "runs" / "newest").symlink_to("1")

    manifest = scan_files(tmp_path, FileManifest(), everything)

    assert list(manifest.files) == ["runs/1/summary.json"]
    assert manifest.links == {"runs/newest": "1"}
    assert manifest.folders == ("serving/pets",)
    assert FileManifest.from_json(manifest.to_json()) == manifest


def test_a_file_of_known_size_and_time_is_not_read(tmp_path):
    file = tmp_path / "ledger.sqlite"
    file.write_bytes(b"first")
    known = scan_files(tmp_path, FileManifest(), everything)
    time = file.stat().st_mtime_ns
    file.write_bytes(b"other")
    os.utime(file, ns=(time, time))
    assert scan_files(tmp_path, known, everything) == known

    os.utime(file, ns=(time + 1, time + 1))

    found = scan_files(tmp_path, known, everything)
    assert found.files["ledger.sqlite"].digest != known.files["ledger.sqlite"].digest


@pytest.mark.parametrize("target", ["/etc", "../../etc", ".."])
def test_a_link_out_of_the_workspace_is_refused(target, tmp_path):
    (tmp_path / "runs").symlink_to(target)
    with pytest.raises(InputError, match="leads out of the workspace"):
        scan_files(tmp_path, FileManifest(), everything)


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../../x", "a//b", ""])
def test_a_manifest_that_leaves_the_workspace_is_refused(path):
    entry = {"digest": "0", "size": 1, "modified_ns": 0, "mode": 0o644}
    with pytest.raises(ValueError, match="leaves the workspace"):
        FileManifest.from_json({"files": {path: entry}, "links": {}, "folders": []})
    with pytest.raises(ValueError, match="leaves the workspace"):
        FileManifest.from_json({"files": {}, "links": {"a": f"../{path}x"}, "folders": []})


@pytest.mark.parametrize("values", [{}, [], {"files": {"a": 1}, "links": {}, "folders": []}])
def test_values_that_are_no_manifest_are_refused(values):
    with pytest.raises(ValueError, match="no manifest"):
        FileManifest.from_json(values)


def test_caches_locks_drafts_and_logs_of_commands_stay_on_the_machine():
    kept = [".lock", ".lease", "features/a", "training/x", ".incoming-pets/a", "logs/predict.log"]
    kept += ["runs/1/summary.json.part"]
    assert [path for path in kept if is_stored(path)] == []
    stored = [".highest-version-pets", "logs/20240101-000000.log", "batches/.reading", "logs"]
    assert [path for path in stored if not is_stored(path)] == ["logs"]
