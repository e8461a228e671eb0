"""`published.json`: what of a workspace has been published, so that the next call does the rest."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from trainer_module.contract.atomic_write import atomic_write

#: File in the workspace.
FILE = "published.json"


@dataclass
class TargetState:
    """What one target has of one model.

    Attributes:
        versions: Digests of the models by number of the version.
        runs: Ids of the runs that it has.
        serving: Version that it calls the serving one; None where it has no such mark.
        problem: Why the last call failed; "" where it did not.
        failed_at: When it failed, in seconds since 1970; 0 where it did not.
    """

    versions: dict[str, str] = field(default_factory=dict)
    runs: list[str] = field(default_factory=list)
    serving: int | None = None
    problem: str = ""
    failed_at: float = 0.0


_STATES = TypeAdapter(dict[str, TargetState])


def read_states(workspace: Path) -> dict[str, TargetState]:
    """Return the states by target; an empty dict where the file is missing or damaged.

    What is published again has no effect, so nothing is lost with the file.

    Args:
        workspace: Folder of the workspace.
    """
    try:
        return _STATES.validate_json((workspace / FILE).read_bytes())
    except (OSError, ValidationError):
        return {}


def write_states(workspace: Path, states: dict[str, TargetState]) -> None:
    """Write the states by target.

    Args:
        workspace: Folder of the workspace.
        states: States by target.

    Raises:
        OSError: The disk is full or read-only.
    """
    content = {target: asdict(state) for target, state in sorted(states.items())}
    atomic_write(workspace / FILE, json.dumps(content, indent=1) + "\n")
