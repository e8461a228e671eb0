"""Record of the push of a version, which is kept in the folder of the version."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from trainer_module.contract.errors import UnavailableError
from trainer_module.contract.model_assets import PUSH_RECORD
from trainer_module.contract.workspace_files.state_files import damaged_file, read_state

_REMEDY = "Restore the file from a backup, or move the folder of the version out of the workspace."


@dataclass(frozen=True)
class Push:
    """Record of the push of a version.

    Attributes:
        digest: SHA-256 over the model's files in hex; the same model is never pushed twice.
        run_id: Id of the run that made the version.
        run_key: Digest of what determines the model of that run, see `pipeline.identity.model_key`.
        baseline_version: Version that it was compared with; None for the first version.
        pushed_at: Time of the push, ISO 8601, UTC.
        domains: Metrics on the test split, by domain.
        batch: Digest of the batch that the version was retrained for; None for any other run.
        accepted: Reason that a user gave for pushing it without a blessing; None if it was blessed.
        files: Sizes of the version's files by path, see `list_files`; None for a version that was
            pushed before the list was kept. `VersionStore.push` sets it.
        ancestors: The baseline, the baseline of that, and so on, see `find_ancestors`; None where
            they were not kept. `VersionStore.push` sets them.
    """

    digest: str
    run_id: str
    run_key: str
    baseline_version: int | None
    pushed_at: str
    domains: dict[str, dict[str, Any]]
    batch: str | None = None
    accepted: str | None = None
    files: dict[str, int | None] | None = field(default=None, compare=False)
    ancestors: list[int] | None = field(default=None, compare=False)


_PUSHES = TypeAdapter(Push)


def read_push_record(version: Path) -> Push:
    """Read the record of a version.

    Args:
        version: Folder of the version.

    Raises:
        UnavailableError: The version has no record, or a damaged one.
    """
    record = version / PUSH_RECORD
    try:
        is_missing = not record.exists()
    except OSError:
        is_missing = False  # the folder may not be searched: reading the file tells why
    if is_missing:
        raise UnavailableError(
            f"{version} was not pushed by carryover: it has no {PUSH_RECORD}. "
            "Restore it from a backup if it was lost, or move the folder out of the workspace."
        )
    what = f"record of version {version.name}"
    content = read_state(record, what, _REMEDY)
    try:
        return _PUSHES.validate_json(content)
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(map(str, problem["loc"]))
        raise damaged_file(
            record, what, f"{key}: {problem['msg']}" if key else problem["msg"], _REMEDY
        ) from None
