"""Make .venv: choose the stack for this machine, install its lock, then this package.

The lock is the one with development tools; what runs in production has a smaller one. Run by
`make`, with any Python 3.8 or newer and nothing but the standard library. A finished environment
is stamped with a digest of what went into it, so a second call returns at once.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple, NoReturn

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "carryover-stamp"
#: Pythons that uv fetched, and uv itself until there is a .venv with it.
FETCHED = ROOT / ".venv-python"
UV_ONLY = ROOT / ".venv-uv"


class Stack(NamedTuple):
    """One supported set of versions.

    Attributes:
        name: Start of the names of its locks, see `lock`.
        pythons: Versions of Python that it runs on, best first.
        glibc: Oldest C library that its wheels load on.
    """

    name: str
    pythons: tuple[str, ...]
    glibc: tuple[int, int]

    def lock(self, kind: str) -> str:
        """Return the path of a lock in the repository.

        Args:
            kind: "" for what production needs, "-dev" for that and the tools of development,
                "-gpu" for what TensorFlow's CUDA libraries add.
        """
        return f"requirements/{self.name}{kind}.txt"


STACKS = (
    Stack("tfx-1.21", ("3.13", "3.12", "3.11"), (2, 39)),
    Stack("tfx-1.16", ("3.10",), (2, 17)),
)


def stop(message: str) -> NoReturn:
    """End with one line on stderr and exit code 2: the machine lacks something."""
    print("carryover set-up: " + message, file=sys.stderr)
    sys.exit(2)


def probe(python: str) -> dict | None:
    """Return version, include folder and path of an interpreter; None if it does not run."""
    code = (
        "import json, sys, sysconfig; print(json.dumps({'version': '%d.%d' % sys.version_info[:2],"
        " 'include': sysconfig.get_paths()['include'], 'executable': sys.executable}))"
    )
    try:
        answer = subprocess.run(
            [python, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60
        )
        return json.loads(answer.stdout) if answer.returncode == 0 else None
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None


def candidates(version: str) -> list[str]:
    """List the paths at which a Python of this version may be, the preferred one first.

    Shims of pyenv hide its other versions, so its folders are searched too.
    """
    pyenv = Path(os.environ.get("PYENV_ROOT", str(Path.home() / ".pyenv")))
    installed = sorted(pyenv.glob(f"versions/{version}.*/bin/python"))
    fetched = sorted(FETCHED.glob(f"cpython-{version}.*/bin/python{version}"))
    return [
        sys.executable,
        "python" + version,
        *map(str, reversed(installed)),
        *map(str, reversed(fetched)),
    ]


def find_python(version: str) -> dict | None:
    """Return the first working interpreter of this version; None if there is none."""
    for candidate in candidates(version):
        found = probe(candidate)
        if found and found["version"] == version:
            return found
    return None


def glibc_version() -> tuple[int, int]:
    """Return the version of the C library; (0, 0) if it is not glibc."""
    name, version = platform.libc_ver()
    if name != "glibc":
        return (0, 0)
    major, minor = version.split(".")[:2]
    return (int(major), int(minor))


def fetch_python(version: str) -> dict | None:
    """Let uv fetch a Python of this version into `FETCHED`; None if it cannot.

    The machine's own uv is tried first. It may be too old, so the uv of our lock comes second.
    """
    fetched = fetch_with(shutil.which("uv"), version)
    if fetched is None:
        fetched = fetch_with(install_uv_only(), version)
        shutil.rmtree(str(UV_ONLY), ignore_errors=True)
    return fetched


def fetch_with(uv: str | None, version: str) -> dict | None:
    """Let one uv fetch a Python of this version; None if it cannot, or if there is no such uv."""
    if uv is None:
        return None
    options = ("--no-bin", "--install-dir", str(FETCHED))
    return find_python(version) if run(uv, "python", "install", *options, version) else None


def install_uv_only() -> str | None:
    """Install uv into an environment of its own; return its path, None if that fails."""
    python = str(UV_ONLY / "bin" / "python")
    if not run(sys.executable, "-m", "venv", "--clear", str(UV_ONLY)):
        return None
    pip = (python, "-m", "pip", "install", "--quiet", "--require-hashes")
    if not run(*pip, "-r", "requirements/bootstrap.txt"):
        return None
    return str(UV_ONLY / "bin" / "uv")


def check_platform() -> None:
    """Stop where TFX has no wheels."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        stop(
            "TFX has wheels for Linux on x86-64 only. Use such a machine or the Dockerfile. "
            f"Received: {platform.system()} on {platform.machine()}."
        )


def choose(python: str | None) -> tuple[Stack, dict]:
    """Return the newest stack that this machine can run, and the interpreter for it.

    Args:
        python: Interpreter that the user named. None searches for one, and fetches one if there
            is none.
    """
    check_platform()
    named = probe(python) if python else None
    if python and not named:
        stop(f"PYTHON={python} does not run. Name a Python 3.10 to 3.13.")
    libc = glibc_version()
    usable = [stack for stack in STACKS if libc >= stack.glibc]
    for stack in usable:
        for version in stack.pythons:
            found = named if named else find_python(version)
            if found and found["version"] == version:
                return stack, found
    wanted = "3.10 to 3.13" if len(usable) == len(STACKS) else "3.10"
    failed = f"no Python {wanted} was found (glibc here: {libc[0]}.{libc[1]})"
    advice = "Install one, or name it: make PYTHON=/path/to/python."
    if named or not usable:
        stop(f"{failed}. {advice}")
    best = usable[0].pythons[0]
    print(f"carryover set-up: {failed}; uv fetches Python {best} into {FETCHED.name}", flush=True)
    fetched = fetch_python(best)
    if fetched is None:
        stop(f"{failed}, and uv could not fetch one; the reason is above. {advice}")
    return usable[0], fetched


def check_build_tools(stack: Stack, python: dict) -> None:
    """Stop where pyfarmhash cannot be compiled: TFX needs it, and it has no wheels."""
    if not any(shutil.which(name) for name in (os.environ.get("CXX", "c++"), "g++", "clang++")):
        stop("no C++ compiler was found. Install one (Debian: apt install g++).")
    if not Path(python["include"], "Python.h").exists():
        stop(
            f"the headers of Python {python['version']} are missing. "
            f"Install them (Debian: apt install python{python['version']}-dev)."
        )


def digest(stack: Stack, python: dict) -> str:
    """Return the identity of the environment: interpreter, lock and package definition."""
    content = hashlib.sha256(json.dumps([stack.name, python, str(ROOT)]).encode())
    for name in (stack.lock("-dev"), "requirements/bootstrap.txt", "setup.py"):
        content.update((ROOT / name).read_bytes())
    return content.hexdigest()


def run(*command: str) -> bool:
    """Run a command in the repository with its output shown; return whether it succeeded."""
    environment = dict(os.environ, PIP_DISABLE_PIP_VERSION_CHECK="1", VIRTUAL_ENV=str(VENV))
    try:
        return subprocess.run(command, cwd=str(ROOT), env=environment).returncode == 0
    except OSError as error:
        print(f"carryover set-up: {command[0]}: {error.strerror}", file=sys.stderr)
        return False


def install(stack: Stack, python: dict) -> None:
    """Fill .venv from the lock, then add this package."""
    shutil.rmtree(str(VENV), ignore_errors=True)
    if not run(python["executable"], "-m", "venv", str(VENV)):
        stop(
            f"Python {python['version']} cannot make virtual environments. "
            f"Install its venv module (Debian: apt install python{python['version']}-venv)."
        )
    if not run(*pip_install(), "--require-hashes", "-r", "requirements/bootstrap.txt"):
        stop("pip could not install requirements/bootstrap.txt; its message is above.")
    install_lock(stack.lock("-dev"))
    if not run(*pip_install(), "--no-deps", "--no-build-isolation", "--editable", "."):
        stop("this package could not be installed into .venv; the message is above.")


def install_lock(lock: str) -> None:
    """Install a lock into .venv with uv; with pip where uv cannot reach an index."""
    hashed = ("--require-hashes", "-r", lock)
    uv = (str(VENV / "bin" / "uv"), "pip", "install", "--quiet", "--python", inside())
    if not run(*uv, *hashed):
        print("carryover set-up: uv failed, trying the same with pip (slower)", file=sys.stderr)
        if not run(*pip_install(), *hashed):
            stop(f"{lock} could not be installed; the message is above.")


def pip_install() -> tuple[str, ...]:
    """Return the start of a command that installs into .venv with pip."""
    return (inside(), "-m", "pip", "install", "--quiet")


def inside() -> str:
    """Return the path of the interpreter of .venv."""
    return str(VENV / "bin" / "python")


def describe(stack: Stack, python: dict) -> str:
    """Return in one line what is made, and why where there is a .venv; it takes minutes."""
    made = f"{stack.name} on Python {python['version']}"
    if not VENV.exists():
        return f"{made} into .venv"
    if not STAMP.exists():
        return f".venv is incomplete: building it again ({made})"
    return f"the lock, setup.py or the Python has changed: building .venv again ({made})"


def main() -> None:
    """Make the environment unless it is complete already."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default=None, help="interpreter to use; found when not given")
    parser.add_argument("--gpu", action="store_true", help="add TensorFlow's CUDA libraries")
    arguments = parser.parse_args()
    stack, python = choose(arguments.python or None)
    wanted = digest(stack, python)
    if not STAMP.exists() or STAMP.read_text() != wanted:
        check_build_tools(stack, python)
        print(f"carryover set-up: {describe(stack, python)}", flush=True)
        install(stack, python)
        STAMP.write_text(wanted)
    if arguments.gpu:
        install_lock(stack.lock("-gpu"))


if __name__ == "__main__":
    main()
