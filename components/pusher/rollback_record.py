"""Record of a rollback: when a version was taken out of service, and why."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from trainer_module.contract.atomic_write import atomic_write
from trainer_module.contract.model_assets import ROLLBACK_RECORD
from trainer_module.contract.printable_names import printable_name


@dataclass(frozen=True)
class Rollback:
    """When a version was rolled back, and why.

    Attributes:
        rolled_back_at: Time of the rollback, ISO 8601, UTC; "" where it is unknown.
        reason: Reason that a user gave; "" without one.
    """

    rolled_back_at: str = ""
    reason: str = ""

    def __str__(self) -> str:
        """Return what happened, as a part of a sentence."""
        text = f"rolled back {self.rolled_back_at[:16].replace('T', ' ')}".rstrip()
        return f"{text}: {self.reason}" if self.reason else text


_ROLLBACKS = TypeAdapter(Rollback)


def write_rollback(version: Path, reason: str) -> None:
    """Write the record of a rollback that is about to be made.

    The record means nothing while the version serves: a kill may come before the rollback.

    Args:
        version: Folder of the version, which still serves.
        reason: Reason of the user; "" without one.

    Raises:
        OSError: The disk is full or read-only.
    """
    moment = datetime.now(timezone.utc).isoformat(timespec="seconds")
    record = asdict(Rollback(moment, printable_name(reason.strip())))
    atomic_write(version / ROLLBACK_RECORD, json.dumps(record, indent=1) + "\n")


def read_rollback(version: Path) -> Rollback:
    """Read the record of a rollback; return an empty one where it is missing or damaged.

    Args:
        version: Folder of a version that was rolled back. Older versions have no record.
    """
    try:
        return _ROLLBACKS.validate_json((version / ROLLBACK_RECORD).read_bytes())
    except (OSError, ValidationError):
        return Rollback()
