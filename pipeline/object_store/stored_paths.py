"""Which files of a workspace an object store holds, and which of them a command reads."""

from pipeline.workspace import RUN_ID
from trainer_module.contract.atomic_write import DRAFT_SUFFIX

#: Files and folders that are about processes and caches of one machine.
_OF_ONE_MACHINE = frozenset({".lease", ".lock", "features", "training"})

#: Beginning of the names of copies that are not finished.
_UNFINISHED = ".incoming-"

#: Folders and files that only commands need that train or change something.
_TO_CHANGE = frozenset(
    {"artifacts", "batches", "exports", "inputs", "logs", "metadata.sqlite", "to_label", "tuning"}
)


def is_stored(path: str) -> bool:
    """Return whether a store holds a file: all but caches, locks, drafts and logs of commands.

    Args:
        path: Path relative to the workspace.
    """
    top, _, rest = path.partition("/")
    if top in _OF_ONE_MACHINE or top.startswith(_UNFINISHED) or path.endswith(DRAFT_SUFFIX):
        return False
    return top != "logs" or RUN_ID.fullmatch(rest.removesuffix(".log")) is not None


def is_read(path: str) -> bool:
    """Return whether commands read a file that change nothing.

    Args:
        path: Path relative to the workspace.
    """
    return is_stored(path) and path.partition("/")[0] not in _TO_CHANGE
