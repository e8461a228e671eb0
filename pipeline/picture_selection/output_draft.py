"""A folder that appears complete."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trainer_module.contract.atomic_write import DRAFT_SUFFIX


@contextmanager
def draft_of(output: Path) -> Iterator[Path]:
    """Yield an empty folder beside the output, which becomes the output at the end.

    Its name is new: nothing of the user or of another command is replaced.

    Raises:
        OSError: The folder cannot be written, or the disk is full.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
        prefix=".select-", suffix=DRAFT_SUFFIX, dir=output.parent, ignore_cleanup_errors=True
    ) as private:
        # The temporary folder is private. The one in it has the usual permissions.
        draft = Path(private, "draft")
        draft.mkdir()
        yield draft
        draft.rename(output)
