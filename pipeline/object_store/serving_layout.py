"""The serving directory in a store, as model servers read it: `serving/<model>/<version>/`.

TensorFlow Serving and KServe take every numbered folder for a version, and load it by its
`saved_model.pb`. A store has no rename, so a version appears object by object: `saved_model.pb` is
written last and removed first. All objects are copied within the store from what the state has, so
that a version is incomplete for as short as can be. The number of a version belongs to the state
that was made before: what is served is never that of a command that another one has beaten, and
the content of a number is always the same. A copy that a kill has ended is completed by the next
command.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.object_store.file_manifest import FileEntry, FileManifest
from pipeline.object_store.file_transfer import object_name
from pipeline.object_store.state_chain import StateChain

if TYPE_CHECKING:
    from obstore.store import ObjectStore

FOLDER = "serving"

#: File by which model servers recognise a version; it is the last one.
MARKER = "saved_model.pb"

#: States that other commands may make while this one copies, before it leaves the rest to them.
_ROUNDS = 5

Versions = dict[str, dict[str, FileEntry]]


@dataclass(frozen=True)
class ServingLayout:
    """The serving directory of a workspace in a store.

    Attributes:
        store: Part of the store that is the workspace.
        chain: States of the workspace.
    """

    store: "ObjectStore"
    chain: StateChain

    def update(self, number: int, manifest: FileManifest) -> None:
        """Make the serving directory that of the newest state.

        Args:
            number: Number of a state that was the newest one.
            manifest: Its files.
        """
        for _ in range(_ROUNDS):
            self._copy(versions_in(manifest))
            newest = self.chain.newest_number(number)
            if newest == number:
                return
            number, manifest = newest, self.chain.read(newest).manifest

    def _copy(self, wanted: Versions) -> None:
        """Complete the versions of a state, and remove all others."""
        present = self._present()
        for version in sorted(wanted):
            self._complete(version, wanted[version], present.pop(version, {}))
        for version, sizes in present.items():
            self._remove(version, sorted(sizes, key=lambda name: name != MARKER))

    def _complete(self, version: str, files: dict[str, FileEntry], sizes: dict[str, int]) -> None:
        """Copy what a version lacks, the marker last."""
        import obstore

        missing = [name for name, entry in files.items() if sizes.get(name) != entry.size]
        others = sorted(set(sizes) - set(files))
        if not missing and not others:
            return
        if MARKER in sizes:
            self._remove(version, [MARKER])
        self._remove(version, others)
        for name in sorted({*missing, *(files.keys() & {MARKER})}, key=lambda one: one == MARKER):
            obstore.copy(self.store, object_name(files[name].digest), f"{version}/{name}")

    def _remove(self, version: str, names: list[str]) -> None:
        import obstore

        for name in names:
            obstore.delete(self.store, f"{version}/{name}")

    def _present(self) -> dict[str, dict[str, int]]:
        """Return the sizes of the objects in the serving directory, by version and name."""
        import obstore

        versions: dict[str, dict[str, int]] = {}
        for part in obstore.list(self.store, prefix=FOLDER):
            for one in part:
                if split := split_version(one["path"]):
                    versions.setdefault(split[0], {})[split[1]] = one["size"]
        return versions


def versions_in(manifest: FileManifest) -> Versions:
    """Return the files of the versions in a serving directory, by `serving/<model>/<version>`."""
    versions: Versions = {}
    for path, entry in manifest.files.items():
        if split := split_version(path):
            versions.setdefault(split[0], {})[split[1]] = entry
    return versions


def split_version(path: str) -> tuple[str, str] | None:
    """Split the path of a file into the folder of its version and the rest.

    Args:
        path: Path relative to the workspace.

    Returns:
        None for a file of no version.
    """
    parts = path.split("/", 3)
    if len(parts) == 4 and parts[0] == FOLDER and parts[2].isdecimal():
        return "/".join(parts[:3]), parts[3]
    return None
