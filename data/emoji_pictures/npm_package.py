"""The npm packages that the pictures come from."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from emoji_pictures.build_error import BuildError
from emoji_pictures.progress import say

Files = dict[str, bytes]  # path -> content


@dataclass(frozen=True)
class Package:
    """An npm package at a fixed version.

    Attributes:
        name: Name in the registry.
        version: Version to fetch.
        integrity: SHA-512 of the tarball in base64, as `npm view <name> dist.integrity` shows it.
    """

    name: str
    version: str
    integrity: str

    @property
    def tarball(self) -> str:
        """File name that `npm pack` gives the tarball."""
        return f"{self.name}-{self.version}.tgz"


GOOGLE = Package(
    "emoji-datasource-google",
    "16.0.0",
    "ZRexfzs7MVoLnmzZmNsO4TKhnAJp5D++Vm6PpUpH/jEQQlemp3l88CjZ+DoZ2faM9R4QxZkOPJCoT8DlPhfQ3A==",
)
TWITTER = Package(
    "emoji-datasource-twitter",
    "16.0.0",
    "7F+uCuHH+7Qnrc15P5tnbvKkg9E6tlzi4MnT2uW1RlN4pLYTza6cP/dstIfSDMtpjFLWuZewWg8jBbuL2eyELQ==",
)
OPENMOJI = Package(
    "openmoji",
    "17.0.0",
    "EBnYrNGdcdw+OSXmENeNE1yBNRu6tOraTmoOyUbJkTmvT/+XETp8RZLSJFzD3lrPc5N9CzsyPnRTk0Vp4UaI9w==",
)


def fetch(package: Package, folder: Path) -> Path:
    """Return the checked tarball of a package, after downloading it when `folder` has none.

    Args:
        package: Package to fetch.
        folder: Folder of the tarballs.

    Raises:
        BuildError: npm is missing or fails, or the tarball is not the expected one.
    """
    tarball = folder / package.tarball
    if not tarball.exists():
        _npm_pack(package, folder)
    digest = base64.b64encode(hashlib.sha512(tarball.read_bytes()).digest()).decode()
    if digest != package.integrity:
        raise BuildError(
            f"{tarball} is not {package.name} {package.version}: delete it, so that it is "
            f"fetched again. Expected sha512-{package.integrity}. Received: sha512-{digest}"
        )
    return tarball


def _npm_pack(package: Package, folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise BuildError(
            f"npm is needed to download {package.tarball}: install it, or put the tarball into "
            "a folder and name that folder with --packages."
        )
    say(f"downloading {package.name} {package.version}")
    command = [npm, "pack", "--silent", "--ignore-scripts", f"{package.name}@{package.version}"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if result.returncode or not (folder / package.tarball).exists():
        raise BuildError(
            f"npm could not download {package.name}@{package.version}; check the network. "
            f"Received: {result.stderr.strip() or f'exit code {result.returncode}'}"
        )


def read_members(tarball: Path, wanted: Iterable[str]) -> Files:
    """Read files of a package.

    Args:
        tarball: Tarball of the package.
        wanted: Prefixes of the paths to read.
    """
    prefixes = tuple(wanted)
    members = {}
    with tarfile.open(tarball, "r|gz") as archive:
        for member in archive:
            path = member.name.removeprefix("package/")
            content = archive.extractfile(member) if path.startswith(prefixes) else None
            if content is not None:
                members[path] = content.read()
    return members
