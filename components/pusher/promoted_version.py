"""Which version of a model serves while a newer one is in shadow (`carryover serve --shadow`)."""

from pathlib import Path

from components.pusher.version_store import VersionStore
from trainer_module.contract.workspace_files.state_files import damaged_file, read_json_object

#: Folder in the workspace.
SHADOW_FOLDER = "shadow"

#: What the file is, in messages.
WHAT = "state of the shadow"

#: What to do about a damaged file.
REMEDY = (
    "Restore it from a backup, or remove it: the newest version then serves at once, even if it "
    "has failed in shadow or contradicts too much; carryover rollback takes such a version out "
    "of service first."
)


def shadow_file(store: VersionStore) -> Path:
    """Return the path of the file with the state of the shadow.

    Args:
        store: Versions of the model.
    """
    return store.root / SHADOW_FOLDER / f"{store.name}.json"


def is_there(path: Path) -> bool:
    """Return whether there is such a file, or something that keeps it from being looked for.

    Args:
        path: Path of the file.
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True  # whoever reads it gets the reason
    return True


def read_promoted(store: VersionStore) -> int | None:
    """Return the newest version that may serve; None if the newest of all may.

    Args:
        store: Versions of the model.

    Raises:
        UnavailableError: The file is unreadable or damaged.
    """
    path = shadow_file(store)
    if not is_there(path):
        return None
    promoted = read_json_object(path, WHAT, REMEDY).get("promoted")
    if promoted is not None and (isinstance(promoted, bool) or not isinstance(promoted, int)):
        raise damaged_file(path, WHAT, "`promoted` is no number of a version", REMEDY)
    return promoted
