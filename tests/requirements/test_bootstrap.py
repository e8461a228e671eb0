"""The set-up finds a Python, or lets the real uv fetch one; archives come from this machine."""

import importlib.util
import json
import platform
import shutil
import sys
import tarfile
from pathlib import Path
from types import ModuleType

import pytest
from repository import ROOT

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
#: Parts of a Python that starts and imports its standard library; the rest would only take time.
LEFT_OUT = {"site-packages", "test", "tests", "idlelib", "lib2to3", "ensurepip", "__pycache__"}


@pytest.fixture(name="bootstrap")
def bootstrap_in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module, which works in an empty folder and finds no Python outside of it."""
    spec = importlib.util.spec_from_file_location(
        "bootstrap", ROOT / "requirements" / "bootstrap.py"
    )
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "VENV", tmp_path / ".venv")  # never the one that runs the tests
    monkeypatch.setattr(module, "STAMP", tmp_path / ".venv" / "carryover-stamp")
    monkeypatch.setattr(module, "FETCHED", tmp_path / ".venv-python")
    monkeypatch.setattr(module, "UV_ONLY", tmp_path / ".venv-uv")
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    everywhere = module.candidates

    def only_here(version: str) -> list[str]:
        return [path for path in everywhere(version) if path.startswith(str(tmp_path))]

    monkeypatch.setattr(module, "candidates", only_here)
    return module


def pack_this_python(folder: Path) -> Path:
    """Pack the running Python the way uv's archives are packed, without what takes long."""
    archive = folder / "python.tar.gz"
    base = Path(sys.base_prefix)
    library = base / "lib" / f"python{VERSION}"
    with tarfile.open(archive, "w:gz", compresslevel=1) as packed:
        packed.add(base / "bin" / f"python{VERSION}", f"python/bin/python{VERSION}")
        packed.add(library, f"python/lib/python{VERSION}", filter=_keep_needed)
        for shared in (base / "lib").glob("libpython*.so*"):
            packed.add(shared, f"python/lib/{shared.name}")
    return archive


def _keep_needed(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Leave out `LEFT_OUT`, and absolute links (Debian has one), which uv does not unpack."""
    unsafe = member.issym() and Path(member.linkname).is_absolute()
    return None if unsafe or LEFT_OUT & set(Path(member.name).parts) else member


def offer(archive: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make uv offer this archive, and nothing else."""
    major, minor, patch = platform.python_version_tuple()
    name = f"cpython-{major}.{minor}.{patch}-linux-x86_64-gnu"
    listing = {
        name: {
            "name": "cpython",
            "arch": {"family": "x86_64", "variant": None},
            "os": "linux",
            "libc": "gnu",
            "major": int(major),
            "minor": int(minor),
            "patch": int(patch),
            "prerelease": "",
            "url": archive.as_uri(),
            "sha256": None,
            "variant": None,
        }
    }
    (folder / "downloads.json").write_text(json.dumps(listing))
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS_JSON_URL", str(folder / "downloads.json"))


def only_stack(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "STACKS", (bootstrap.Stack("tfx", (VERSION,), (2, 17)),))


def test_a_python_is_fetched_where_none_fits(bootstrap, tmp_path, monkeypatch, capfd):
    only_stack(bootstrap, monkeypatch)
    offer(pack_this_python(tmp_path), tmp_path, monkeypatch)
    stack, python = bootstrap.choose(None)
    assert (stack.name, python["version"]) == ("tfx", VERSION)
    assert Path(python["executable"]).is_relative_to(tmp_path / ".venv-python")
    said = capfd.readouterr().out
    assert "no Python 3.10 to 3.13 was found (glibc here: " in said
    assert f"uv fetches Python {VERSION} into .venv-python" in said


def test_a_fetched_python_is_found_again_without_uv(bootstrap, tmp_path, monkeypatch, capfd):
    only_stack(bootstrap, monkeypatch)
    offer(pack_this_python(tmp_path), tmp_path, monkeypatch)
    fetched = bootstrap.choose(None)
    capfd.readouterr()
    monkeypatch.setenv("PATH", "")
    assert bootstrap.choose(None) == fetched
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    "script",
    [
        "#!/bin/sh\necho \"error: unexpected argument '--no-bin' found\" >&2; exit 2\n",  # uv 0.5.0
        "#!/bin/sh\nexit 0\n",  # it says that it has installed one, and has not
        "#!/bin/sh\nkill -9 $$\n",
        "no program",
    ],
    ids=["too old", "without effect", "killed", "not executable"],
)
def test_the_uv_of_the_lock_comes_second(bootstrap, tmp_path, monkeypatch, script):
    only_stack(bootstrap, monkeypatch)
    offer(pack_this_python(tmp_path), tmp_path, monkeypatch)
    pinned = shutil.which("uv")
    assert pinned
    other = tmp_path / "bin" / "uv"
    other.parent.mkdir()
    other.write_text(script)
    other.chmod(0o755)
    monkeypatch.setenv("PATH", f"{other.parent}:/usr/bin:/bin")
    monkeypatch.setattr(bootstrap, "install_uv_only", lambda: pinned)
    _, python = bootstrap.choose(None)
    assert Path(python["executable"]).is_relative_to(tmp_path / ".venv-python")


def test_the_message_says_what_to_do_where_uv_cannot_fetch(bootstrap, tmp_path, monkeypatch, capfd):
    only_stack(bootstrap, monkeypatch)
    offer(tmp_path / "missing.tar.gz", tmp_path, monkeypatch)
    with pytest.raises(SystemExit) as stopped:
        bootstrap.choose(None)
    assert stopped.value.code == 2
    assert capfd.readouterr().err.splitlines()[-1] == (
        f"carryover set-up: no Python 3.10 to 3.13 was found (glibc here: "
        f"{'.'.join(map(str, bootstrap.glibc_version()))}), and uv could not fetch one; the reason "
        f"is above. Install one, or name it: make PYTHON=/path/to/python."
    )


def test_a_python_that_the_user_named_is_not_replaced_by_a_fetched_one(
    bootstrap, tmp_path, monkeypatch, capfd
):
    monkeypatch.setattr(bootstrap, "STACKS", (bootstrap.Stack("tfx", ("3.9",), (2, 17)),))
    with pytest.raises(SystemExit) as stopped:
        bootstrap.choose(sys.executable)
    assert stopped.value.code == 2
    assert "Install one, or name it" in capfd.readouterr().err
    assert not (tmp_path / ".venv-python").exists()


def test_a_python_that_does_not_run_is_named(bootstrap, capfd):
    with pytest.raises(SystemExit):
        bootstrap.choose("/nowhere/python")
    assert "PYTHON=/nowhere/python does not run" in capfd.readouterr().err


def test_the_environment_is_made_anew_when_its_lock_changes(bootstrap, tmp_path):
    (tmp_path / "requirements").mkdir()
    for name in ("requirements/tfx-dev.txt", "requirements/bootstrap.txt", "setup.py"):
        (tmp_path / name).write_text("first")
    stack, python = bootstrap.Stack("tfx", (VERSION,), (2, 17)), {"version": VERSION}
    before = bootstrap.digest(stack, python)
    assert bootstrap.digest(stack, python) == before
    (tmp_path / "requirements" / "tfx-dev.txt").write_text("second")
    assert bootstrap.digest(stack, python) != before


def test_the_set_up_says_why_an_environment_is_made_again(bootstrap):
    def said() -> str:
        return bootstrap.describe(bootstrap.STACKS[1], {"version": "3.10"})

    assert said() == "tfx-1.16 on Python 3.10 into .venv"
    bootstrap.VENV.mkdir()
    assert said() == ".venv is incomplete: building it again (tfx-1.16 on Python 3.10)"
    bootstrap.STAMP.write_text("digest of another lock")
    assert said() == (
        "the lock, setup.py or the Python has changed: building .venv again "
        "(tfx-1.16 on Python 3.10)"
    )


@pytest.mark.parametrize("arguments", [(), ("--gpu",)])
def test_a_contributor_gets_the_development_lock_and_the_gpu_lock_when_asked(
    bootstrap, tmp_path, monkeypatch, arguments
):
    python = {"version": "3.10", "executable": "python3.10"}
    ran: list[tuple[str, ...]] = []
    monkeypatch.setattr(bootstrap, "run", lambda *command: not ran.append(command))
    monkeypatch.setattr(bootstrap, "choose", lambda _: (bootstrap.STACKS[1], python))
    monkeypatch.setattr(bootstrap, "digest", lambda *_: "digest")
    monkeypatch.setattr(bootstrap, "check_build_tools", lambda *_: None)
    monkeypatch.setattr(bootstrap, "STAMP", tmp_path / "carryover-stamp")
    monkeypatch.setattr(sys, "argv", ["bootstrap.py", *arguments])
    bootstrap.main()
    bootstrap.main()  # complete: only the GPU lock is looked at again
    locks = [command[-1] for command in ran if "-r" in command]
    assert all("--require-hashes" in command for command in ran if "-r" in command)
    gpu = ["requirements/tfx-1.16-gpu.txt"] * len(arguments)
    made = ["requirements/bootstrap.txt", "requirements/tfx-1.16-dev.txt"]
    assert locks == [*made, *gpu, *gpu]
