"""Files of a batch that are left out: which they are, and why."""

from collections.abc import Iterable

from pipeline.inputs.allowed_roots import advise_allowing, outside_folders
from pipeline.retraining.deliveries.batch_store import BatchRow, BatchStore
from trainer_module.contract.printable_names import printable_name

#: Files that are named for each reason.
MAX_NAMES = 3

#: Longest name that is shown as a whole, in characters.
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
    names: dict[str, list[str]] = {}
    for row in unusable:
        # The text before the first colon is the same for all files with the same problem.
        names.setdefault(row["reason"].split(":")[0], []).append(_shown(row["name"]))
    if not unusable:
        return ""
    kinds = [
        f"{len(paths):,} {reason} ({', '.join(paths[:MAX_NAMES])}"
        f"{', ...' if len(paths) > MAX_NAMES else ''})"
        for reason, paths in sorted(names.items(), key=lambda item: (-len(item[1]), item[0]))
    ]
    folders = outside_folders(row["reason"] for row in unusable)
    advice = f". {advise_allowing(folders)}" if folders else ""
    return f"{_files(len(unusable))} left out: {', '.join(kinds)}{advice}"


def with_left_out(reason: str, rows: Iterable[BatchRow]) -> str:
    """Return a reason with the files that are left out, unless it names them already."""
    files = describe_left_out(rows)
    return reason if files in reason else f"{reason}; {files}"


def _shown(name: str) -> str:
    """Return a name for people; of a long one its start and its end."""
    text = printable_name(name)
    return text if len(text) <= MAX_LENGTH else f"{text[: MAX_LENGTH - 40]}...{text[-40:]}"


def _files(count: int) -> str:
    return "1 file is" if count == 1 else f"{count:,} files are"
