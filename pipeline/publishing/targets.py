"""What a target of publishing does, and the folder of bundles."""

from pathlib import Path
from typing import Protocol

from pipeline.config.output_check import prepare_output_folder
from pipeline.publishing.bundle import bundle_path, is_bundle_of, write_bundle
from pipeline.publishing.served_version import ServedVersion
from trainer_module.contract.atomic_write import atomic_write
from trainer_module.contract.errors import UnavailableError

#: Beginning of the name of a folder of bundles, before its path.
BUNDLES_IN = "bundles in "


class Target(Protocol):
    """Receiver of runs and versions. Every call may be repeated, and then changes nothing."""

    @property
    def name(self) -> str:
        """Text for people and for the state: what and where, without credentials."""

    @property
    def takes_runs(self) -> bool:
        """Whether it takes runs, and marks the serving version."""

    def publish_run(self, folder: Path) -> None:
        """Publish a run that has ended.

        Args:
            folder: Folder of the run.
        """

    def still_has(self, number: int) -> bool:
        """Return whether a version that was published is there, as far as this is known at once.

        Args:
            number: Number of the version.
        """

    def publish_version(self, version: ServedVersion) -> bool:
        """Publish a version in the serving directory.

        Args:
            version: The version.

        Returns:
            Whether it was not there before.
        """

    def mark_serving(self, number: int, digest: str) -> None:
        """Mark a published version as the serving one, and no other.

        Args:
            number: Number of the version.
            digest: Digest of its model.
        """


class BundleFolder:
    """Folder with a bundle of every version, and a text file with the number of the serving one."""

    takes_runs = False

    def __init__(self, folder: Path, model: str) -> None:
        """Name the folder; it is created with the first bundle, but not the folder that it is in.

        Args:
            folder: Absolute path.
            model: Name of the model.
        """
        self._folder = folder
        self._model = model

    @property
    def name(self) -> str:
        """See `Target`."""
        return f"{BUNDLES_IN}{self._folder}"

    def publish_run(self, folder: Path) -> None:
        """Do nothing: a bundle holds the run of its version."""

    def still_has(self, number: int) -> bool:
        """See `Target`: the disk may be another one, or was not mounted before."""
        path = bundle_path(self._folder, self._model, number)
        return path.is_file() and path.stat().st_size > 0

    def publish_version(self, version: ServedVersion) -> bool:
        """Write the bundle of a version, in place of one with an earlier report.

        Raises:
            InputError: The folder cannot be created or written, or another file is in the way.
        """
        if not self._folder.parent.is_dir():
            raise UnavailableError(
                f"{self._folder.parent} does not exist. Mount its disk, or create the folder."
            )
        prepare_output_folder(self._folder, "--set publish.bundles=DIR")
        path = bundle_path(self._folder, version.name, version.number)
        is_new = not path.exists()
        if not is_new and not is_bundle_of(path, version):
            raise UnavailableError(
                f"{path} is no bundle of this version, and is not replaced. Move it away, or give "
                "another folder with --set publish.bundles=DIR."
            )
        write_bundle(version, self._folder, force=True)
        return is_new

    def mark_serving(self, number: int, digest: str) -> None:
        """Write the number to a file: bundles of rolled-back versions stay."""
        path = self._folder / f"{self._model}-serving.txt"
        if path.exists() and not path.read_bytes().strip().isdigit():
            raise UnavailableError(f"{path} is no file of carryover. Move it away.")
        atomic_write(path, f"{number}\n")
