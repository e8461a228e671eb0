"""Files of a batch that are left out: which they are, and why."""

import posixpath
from collections.abc import Iterable

from pipeline.inputs.allowed_roots import advise_allowing, outside_folders
from pipeline.inputs.manifest import MANIFEST_SUFFIXES
from pipeline.retraining.deliveries.batch_store import BatchRow, BatchStore
from trainer_module.contract.output_text.wording import counted_are
from trainer_module.contract.printable_names import printable_name

#: Files that are named for each reason.
MAX_NAMES = 3

#: Longest name or reason that is shown as a whole, in characters.
MAX_LENGTH = 160


def left_out(rows: Iterable[BatchRow]) -> list[BatchRow]:
    """Return the rows of unusable files."""
    return [row for row in rows if "reason" in row]


def stored_left_out(store: BatchStore, digest: str) -> list[BatchRow]:
    """Return the rows of unusable files of a batch; none where its copy is missing or damaged.

    Args:
        store: Store of the batch.
        digest: Digest of the batch.
    """
    try:
        return left_out(store.read(digest))
    except (OSError, ValueError, LookupError):  # the run of the batch has told what is wrong
        return []


def describe_left_out(rows: Iterable[BatchRow]) -> str:
    """Return how many files of a batch are left out, for each reason with the first names.

    Args:
        rows: Rows of the batch.

    Returns:
        A text for people; "" if no file is left out.
    """
    unusable = left_out(rows)
    kinds: dict[str, list[BatchRow]] = {}
    for row in unusable:
        # The text before the first colon is the same for all files with the same problem.
        kinds.setdefault(row["reason"].split(":")[0], []).append(row)
    if not unusable:
        return ""
    texts = [
        f"{len(kinds[kind]):,} {kind} ({_describe_files(kinds[kind])})"
        for kind in sorted(kinds, key=lambda kind: (-len(kinds[kind]), kind))
    ]
    folders = outside_folders(row["reason"] for row in unusable)
    advice = f". {advise_allowing(folders)}" if folders else ""
    return f"{counted_are(len(unusable), 'file')} left out: {', '.join(texts)}{advice}"


def with_left_out(reason: str, rows: Iterable[BatchRow], source: str = "") -> str:
    """Return a reason with the files that are left out, unless it names them already.

    Args:
        reason: Reason for the state of a batch.
        rows: Rows of the batch.
        source: Path of the delivery. The files that a manifest names are not watched.
    """
    files = describe_left_out(rows)
    if files and source.lower().endswith(MANIFEST_SUFFIXES):
        files += f". To deliver files that are repaired, touch {posixpath.basename(source)}"
    return reason if files in reason else f"{reason}; {files}"


def _describe_files(rows: list[BatchRow]) -> str:
    """Return the names of the first files with the same problem, and what is wrong with the first.

    Args:
        rows: Rows of the files.
    """
    names = ", ".join(_shown(row["name"]) for row in rows[:MAX_NAMES])
    names += ", ..." if len(rows) > MAX_NAMES else ""
    detail = rows[0]["reason"].partition(": ")[2]
    if not detail or outside_folders([rows[0]["reason"]]):  # the advice names the folders
        return names
    return f"{names}{'; the first' if len(rows) > 1 else ''}: {_shown(detail)}"


def _shown(text: str) -> str:
    """Return a name or a reason for people; of a long one its start and its end."""
    text = printable_name(text)
    return text if len(text) <= MAX_LENGTH else f"{text[: MAX_LENGTH - 40]}...{text[-40:]}"
