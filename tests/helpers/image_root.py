"""Follows the Dockerfile's steps in a Debian root, where no engine builds images.

It needs to be root, debootstrap, unshare, and a Debian mirror.
"""

import os
import shlex
import shutil
import string
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path

import dockerfile

ROOT = dockerfile.ROOT
FETCHED = ROOT / "build" / "image"

#: Stands for python:3.13-slim-trixie, which has Python's headers, too.
RELEASE = "trixie"
PACKAGES = ("ca-certificates", "python3", "python3-dev", "python3-venv", "python-is-python3")

#: Of this machine: how to reach the network.
NETWORK = ("/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs/ca-certificates.crt")
SETTINGS = ("PIP_", "UV_", "SSL_CERT_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")

#: Mounts are this process's own, so they are gone when it is. $1: root; then, up to --, folders to
#: mount at their own places.
ENTER = """
set -e
root="$1"; shift
mount --rbind /dev "$root/dev"
mount --rbind /sys "$root/sys"
mount -t proc proc "$root/proc"
while [ "$1" != -- ]; do mkdir -p "$root$1"; mount --bind "$1" "$root$1"; shift; done
shift
exec "$@"
"""


def missing() -> str | None:
    """Why no root can be made here, or None."""
    absent = [name for name in ("debootstrap", "unshare") if not shutil.which(name)]
    if os.geteuid():
        absent.append("to be root")
    return f"the image's steps need {' and '.join(absent)}" if absent else None


@dataclass
class Stage:
    """A file system, and what the Dockerfile has set so far."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    arguments: dict[str, str] = field(default_factory=dict)
    user: str = "0"
    folder: str = "/"

    def run(
        self,
        command: list[str],
        mounts: tuple[Path, ...] = (),
        folder: str | None = None,
        **environment: str,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in it.

        Args:
            command: program and arguments.
            mounts: folders of this machine that are there at the same place.
            folder: to start in, in place of the image's.
            environment: on top of the image's.
        """
        settings = {name: os.environ[name] for name in os.environ if name.startswith(SETTINGS)}
        everything = settings | self.arguments | self.environment | environment
        pairs = [f"{name}={value}" for name, value in everything.items()]
        inside = ["chroot", f"--userspec={self.user}:{self.user}", str(self.root)]
        start = ["/usr/bin/env", "--ignore-environment", f"--chdir={folder or self.folder}", *pairs]
        enter = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "/bin/sh", "-c", ENTER)
        places = (str(place) for place in mounts)
        return subprocess.run(
            [*enter, "enter", str(self.root), *places, "--", *inside, *start, *command],
            capture_output=True,
            text=True,
            check=False,
        )


class ImageBuild:
    """Builds the image's file system."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._base = base_root()
        self._named: dict[str, Stage] = {}
        self._count = 0

    def build(self) -> Stage:
        """All stages of the Dockerfile; returns the last."""
        stage = None
        for name, rest in dockerfile.instructions():
            if name == "FROM":
                stage = self._begin(rest)
            elif stage is None:
                raise AssertionError(f"{name} stands before FROM")
            else:
                stage = self._follow(stage, name, rest)
        assert stage
        return stage

    def _begin(self, rest: str) -> Stage:
        image, *name = rest.split(" AS ")
        assert image.endswith(f"-{RELEASE}"), image
        root = self._folder / str(self._count)
        self._count += 1
        subprocess.run(["/bin/cp", "--archive", str(self._base), str(root)], check=True)
        for path in NETWORK:
            shutil.copy(path, root / path.lstrip("/"))
        stage = Stage(root, {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"})
        if name:
            self._named[name[0]] = stage
        return stage

    def _follow(self, stage: Stage, name: str, rest: str) -> Stage:
        if name in ("ENV", "ARG"):
            key, _, value = rest.partition("=")
            value = string.Template(value).substitute(stage.environment)
            group = "environment" if name == "ENV" else "arguments"
            return replace(stage, **{group: getattr(stage, group) | {key: value}})
        if name == "WORKDIR":
            (stage.root / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
            return replace(stage, folder=rest)
        if name == "USER":
            return replace(stage, user=rest)
        if name == "RUN":
            done = stage.run(["/bin/sh", "-c", rest])
            assert done.returncode == 0, f"RUN {rest}\n{done.stdout}\n{done.stderr}"
        elif name == "COPY":
            self._copy(stage, shlex.split(rest))
        else:
            assert name in ("HEALTHCHECK", "CMD"), name
        return stage

    def _copy(self, stage: Stage, words: list[str]) -> None:
        origin = ROOT
        if words[0].startswith("--from="):
            origin = self._named[words.pop(0).removeprefix("--from=")].root
        *sources, target = words
        place = stage.root / Path(stage.folder, target).relative_to("/")
        for source in sources:
            found = origin / source.lstrip("/")
            if origin == ROOT:
                assert dockerfile.is_let_through(source), source
            if found.is_dir():
                ignore = shutil.ignore_patterns("__pycache__") if origin == ROOT else None
                shutil.copytree(found, place, symlinks=True, ignore=ignore, dirs_exist_ok=True)
            else:
                into = place / found.name if place.is_dir() or len(sources) > 1 else place
                into.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(found, into)


def base_root() -> Path:
    """A Debian root with Python, made once."""
    base = FETCHED / RELEASE
    if not base.exists():
        made = FETCHED / "unfinished"
        if made.exists():
            shutil.rmtree(made)
        made.mkdir(parents=True)
        include = f"--include={','.join(PACKAGES)}"
        command = ["debootstrap", "--variant=minbase", include, RELEASE, str(made), *mirror()]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        made.rename(base)
    return base


def mirror() -> list[str]:
    """The mirror that this machine itself uses, where it is a Debian; else debootstrap's own."""
    apt = shutil.which("apt-get")
    if not apt:
        return []
    wanted = ("--format", "$(REPO_URI)", "Identifier: Packages", "Origin: Debian")
    listed = subprocess.run(
        [apt, "indextargets", *wanted], capture_output=True, text=True, check=True
    )
    main = [uri for uri in listed.stdout.split() if uri.rstrip("/").endswith("/debian")]
    return main[:1]
