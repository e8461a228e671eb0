import subprocess
import sys
from pathlib import Path

import build_pictures
import pytest
from emoji_pictures.npm_package import GOOGLE
from repository import ROOT


def test_tarball_with_another_checksum_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / GOOGLE.tarball).write_bytes(b"not the package")
    assert build_pictures.main(["--check", "--packages", str(tmp_path)]) == 2
    assert "is not emoji-datasource-google 16.0.0: delete it" in capsys.readouterr().err


def test_the_script_runs_from_any_folder_and_shows_its_options(tmp_path: Path) -> None:
    script = [sys.executable, str(ROOT / "data" / "build_pictures.py"), "--help"]
    shown = subprocess.run(script, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "--check" in shown.stdout
    assert "--packages" in shown.stdout
