"""Receipts of what was forgotten: JSON files in the workspace that show if they were changed."""

import hashlib
import json
import re
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from pipeline.workspace import Workspace
from trainer_module.contract.atomic_write import atomic_write
from trainer_module.contract.workspace_files.state_files import damaged_file, read_json_object

#: Key with the digest of all others.
DIGEST = "receipt_sha256"

_RECEIPT = re.compile(r"\d{8}-\d{6}(-\d+)?\.json")

_WHAT = "receipt of carryover forget"
_REMEDY = "Restore it from a backup, or move it out of the workspace."


def receipts_folder(workspace: Workspace) -> Path:
    """Return the folder of the receipts of a workspace."""
    return workspace.root / "forgotten"


def signed(values: dict[str, Any]) -> dict[str, Any]:
    """Return a receipt with the digest over all its other values.

    Args:
        values: Values of the receipt.
    """
    return values | {DIGEST: _digest(values)}


def read_receipt(path: Path) -> dict[str, Any]:
    """Read a receipt, and check that it is as it was written.

    Args:
        path: Path of the receipt.

    Raises:
        UnavailableError: The file is unreadable, damaged, or was changed.
    """
    values = read_json_object(path, _WHAT, _REMEDY)
    if values.get(DIGEST) != _digest(values):
        raise damaged_file(path, _WHAT, "its digest is another one, so it was changed", _REMEDY)
    return values


def read_receipts(workspace: Workspace) -> list[dict[str, Any]]:
    """Return the receipts of a workspace, the oldest first.

    Raises:
        UnavailableError: A receipt is unreadable, damaged, or was changed.
    """
    paths = receipts_folder(workspace).glob("*.json")
    return [read_receipt(path) for path in sorted(paths) if _RECEIPT.fullmatch(path.name)]


def keep_receipt(workspace: Workspace, receipt: dict[str, Any]) -> Path:
    """Write a receipt into the workspace, under the time of its end.

    Args:
        workspace: Workspace.
        receipt: Receipt with its digest.

    Returns:
        Path of the file, which is new.
    """
    folder = receipts_folder(workspace)
    name = re.sub(r"[-:]|\+.*", "", receipt["finished_at"]).replace("T", "-")
    path, number = folder / f"{name}.json", 1
    while path.exists():
        number += 1
        path = folder / f"{name}-{number}.json"
    return atomic_write(path, receipt_text(receipt))


def receipt_text(receipt: dict[str, Any]) -> str:
    """Return a receipt as it is written."""
    return json.dumps(receipt, indent=1) + "\n"


def now() -> str:
    """Return the time, ISO 8601 in UTC."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def _digest(values: dict[str, Any]) -> str:
    """Return the SHA-256 of the values but the digest: JSON with sorted keys and no spaces."""
    others = {key: value for key, value in values.items() if key != DIGEST}
    text = json.dumps(others, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
