"""State of the shadow of a model in the workspace, which a restart of the server goes on with."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson
from pydantic import TypeAdapter

from components.pusher.promoted_version import REMEDY, WHAT, is_there
from pipeline.serving.shadow.shadow_record import ShadowRecord
from pipeline.terminal.plain_lines import print_line
from trainer_module.contract.atomic_write import atomic_write
from trainer_module.contract.errors import InputError
from trainer_module.contract.printable_names import printable_name
from trainer_module.contract.workspace_files.state_files import damaged_file, read_state


@dataclass
class ShadowState:
    """Which version serves, and what is known of the newest one that was in shadow.

    Attributes:
        promoted: Newest version that may serve; None if the newest serves at once.
        shadow: The shadow that lasts, or the last one; None if there was none.
        promoted_at: Time at which `promoted` began to serve, ISO 8601 in UTC; "" if it has served
            since its push, or if nobody knows.
    """

    promoted: int | None = None
    shadow: ShadowRecord | None = None
    promoted_at: str = ""

    def promote(self, version: int, moment: str) -> None:
        """Let a version serve.

        Args:
            version: Number of the version.
            moment: Value of `promoted_at`.
        """
        self.promoted, self.promoted_at = version, moment

    def is_refused(self, version: int) -> bool:
        """Return whether a version was decided not to serve.

        Args:
            version: Number of the version.
        """
        one = self.shadow
        return one is not None and one.version == version and one.is_refused

    def to_json(self) -> bytes:
        """Return the content of the file."""
        record = self.shadow and asdict(self.shadow) | {"counts": self.shadow.counts}
        content = {
            "promoted": self.promoted,
            "promoted_at": self.promoted_at,
            "shadow": record,
        }
        return orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)

    @property
    def revision(self) -> tuple[object, ...]:
        """What differs between two states of which one has to be written."""
        one = self.shadow
        if one is None:
            return (self.promoted,)
        return self.promoted, one.version, one.since, one.outcome, one.num_pictures, one.dropped


_STATES: TypeAdapter[ShadowState] = TypeAdapter(ShadowState)


def read_shadow_state(path: Path) -> ShadowState:
    """Read the state; an empty one where nothing was written yet.

    Args:
        path: Path of the file.

    Raises:
        UnavailableError: The file is unreadable or damaged.
    """
    if not is_there(path):
        return ShadowState()
    content = read_state(path, WHAT, REMEDY)
    try:
        values: Any = orjson.loads(content)
        if isinstance(values, dict) and isinstance(values.get("shadow"), dict):
            values["shadow"].pop("counts", None)  # they follow from the pairs
        return _STATES.validate_python(values)
    except ValueError as error:  # also those of pydantic and orjson
        lines = str(error).splitlines()
        raise damaged_file(path, WHAT, lines[0] if lines else "", REMEDY) from None


def write_shadow_state(path: Path, content: bytes) -> None:
    """Write the state into a file that only its owner can read: it names domains of clients.

    Args:
        path: Path of the file.
        content: Its content, see `ShadowState.to_json`.

    Raises:
        OSError: The disk is full or read-only.
    """
    path.parent.mkdir(mode=0o700, exist_ok=True)
    atomic_write(path, content, private=True)


def open_shadow_state(path: Path, is_on: bool) -> ShadowState | None:
    """Return the state for a server that starts; None if new versions serve at once.

    Then it is noted that the newest version may serve: a later server begins no shadow for it.
    Such a server starts whatever became of the file.

    Args:
        path: Path of the file.
        is_on: Whether new versions are first in shadow.

    Raises:
        UnavailableError: New versions are first in shadow, and the file is unreadable or damaged.
    """
    if is_on:
        return read_shadow_state(path)
    try:
        state = read_shadow_state(path)
        if state.promoted is not None:
            write_shadow_state(path, ShadowState(None, state.shadow).to_json())
    except InputError as error:
        print_line(f"carryover: {error} This server has no shadow", to_stderr=True)
    except OSError as error:
        problem = f"{printable_name(str(path))} cannot be written: {error.strerror}"
        print_line(
            f"carryover: {problem}. A later server with --shadow compares newer versions again",
            to_stderr=True,
        )
    return None
