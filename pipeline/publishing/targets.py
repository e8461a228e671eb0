"""What a target of publishing does, and the folder of bundles."""

from pathlib import Path
from typing import Protocol

from pipeline.config.output_check import prepare_output_folder
from pipeline.publishing.bundle import write_bundle
from pipeline.publishing.served_version import ServedVersion


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

    def publish_version(self, version: ServedVersion) -> None:
        """Publish a version in the serving directory.

        Args:
            version: The version.
        """

    def mark_serving(self, digest: str) -> None:
        """Mark a published version as the serving one, and no other.

        Args:
            digest: Digest of its model.
        """


class BundleFolder:
    """Folder with a bundle of every version."""

    takes_runs = False

    def __init__(self, folder: Path) -> None:
        """Name the folder; it is created with the first bundle.

        Args:
            folder: Absolute path.
        """
        self._folder = folder

    @property
    def name(self) -> str:
        """See `Target`."""
        return f"bundles in {self._folder}"

    def publish_run(self, folder: Path) -> None:
        """Do nothing: a bundle holds the run of its version."""

    def publish_version(self, version: ServedVersion) -> None:
        """Write the bundle of a version, in place of one with an earlier report."""
        prepare_output_folder(self._folder, "--set publish.bundles=DIR")
        write_bundle(version, self._folder, force=True)

    def mark_serving(self, digest: str) -> None:
        """Do nothing: the highest number in the folder is the newest version."""
