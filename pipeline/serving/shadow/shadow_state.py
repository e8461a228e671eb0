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
        promoted_at: Time at which `last_promoted` began to serve, ISO 8601 in UTC; "" if it has
            served since its push, or if nobody knows.
        last_promoted: Newest version that was promoted; None if none was. It is `promoted`, unless
            that is None.
    """

    promoted: int | None = None
    shadow: ShadowRecord | None = None
    promoted_at: str = ""
    last_promoted: int | None = None

    def __post_init__(self) -> None:
        """Complete a state of an earlier version of carryover."""
        if self.last_promoted is None:
            self.last_promoted = self.promoted

    def promote(self, version: int, moment: str) -> None:
        """Let a version serve.

        Args:
            version: Number of the version.
            moment: Value of `promoted_at`.
        """
        self.promoted, self.last_promoted, self.promoted_at = version, version, moment

    def time_of_promotion(self, version: int | None) -> str:
        """Return the value of `promoted_at` that is about a version; "" for any other.

        Args:
            version: Number of the version.
        """
        return self.promoted_at if version == self.last_promoted else ""

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
            "last_promoted": self.last_promoted,
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


def open_shadow_state(path: Path, is_on: bool) -> ShadowState:
    """Return the state for a server that starts.

    If new versions serve at once, it is noted that the newest version may serve: a later server
    begins no shadow for it. Such a server starts whatever became of the file.

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
    except InputError as error:
        print_line(f"carryover: {error} This server has no shadow", to_stderr=True)
        return ShadowState()
    if state.promoted is None:
        return state
    state.promoted = None
    try:
        write_shadow_state(path, state.to_json())
    except OSError as error:
        problem = f"{printable_name(str(path))} cannot be written: {error.strerror}"
        print_line(
            f"carryover: {problem}. A later server with --shadow compares newer versions again",
            to_stderr=True,
        )
    return state
