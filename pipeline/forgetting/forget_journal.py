"""Journal of a forgetting that has begun: what it takes to finish it after a kill."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

from pipeline.forgetting.forget_receipt import receipts_folder
from pipeline.forgetting.forget_request import ForgetRequest, RequestKind
from pipeline.forgetting.forgotten_pictures import ForgottenPictures, decoded, encoded
from pipeline.retention.removal import Cleaned
from pipeline.workspace import Workspace
from trainer_module.contract.atomic_write import atomic_write
from trainer_module.contract.workspace_files.state_files import damaged_file, read_json_object

_WHAT = "journal of carryover forget"
_REMEDY = "Remove it, and give the command again."


@dataclass(frozen=True)
class ForgetJournal:
    """A forgetting that has begun.

    It holds the names of the pictures, because they are removed one after the other from what they
    were found in. It is removed at the end.

    Attributes:
        request: What is forgotten.
        pictures: The pictures.
        retires: Whether the versions that were trained on them are retired.
        stops_serving: Whether the user has allowed that no version serves afterwards.
        started_at: Time of the begin, ISO 8601 in UTC.
        removed: What was to be removed when it began.
        versions: What the receipt says of the versions concerned.
        planned: Removals that cannot be planned again, see `kept_removals`.
    """

    request: ForgetRequest
    pictures: ForgottenPictures
    retires: bool
    stops_serving: bool
    started_at: str
    removed: list[Cleaned]
    versions: list[dict[str, Any]]
    planned: list[tuple[str, str]]

    def write(self, workspace: Workspace) -> None:
        """Write the journal before anything is removed. Its owner alone can read it."""
        receipts_folder(workspace).mkdir(exist_ok=True)
        values = {
            "request": asdict(self.request),
            "contents": sorted(one.hex() for one in self.pictures.contents),
            "locations": sorted(decoded(self.pictures.locations)),
            "names": sorted(self.pictures.names),
            "retires": self.retires,
            "stops_serving": self.stops_serving,
            "started_at": self.started_at,
            "removed": [asdict(one) for one in self.removed],
            "versions": self.versions,
            "planned": self.planned,
        }
        atomic_write(_file(workspace), json.dumps(values), private=True)


def read_journal(workspace: Workspace) -> ForgetJournal | None:
    """Return the forgetting that a kill has ended; None if there is none.

    Raises:
        UnavailableError: The journal is unreadable or damaged.
    """
    file = _file(workspace)
    if not file.exists():
        return None
    values = read_json_object(file, _WHAT, _REMEDY)
    try:
        return _parsed(values)
    except (LookupError, TypeError, ValueError) as error:
        raise damaged_file(file, _WHAT, str(error), _REMEDY) from None


def _parsed(values: dict[str, Any]) -> ForgetJournal:
    """Return the journal that `ForgetJournal.write` has written.

    Raises:
        LookupError: A key is missing.
        TypeError: A value has another type.
        ValueError: A digest is none, or the request is of no kind.
    """
    request = ForgetRequest(**values["request"])
    if request.kind not in get_args(RequestKind):
        raise ValueError(f"a request of kind {request.kind}")
    _texts([request.value, values["started_at"]])
    removed = [Cleaned(**one) for one in values["removed"]]
    for cleaned in removed:
        _texts([cleaned.kind])
        _expect(int, cleaned.count, cleaned.size)
    for version in values["versions"]:
        _texts([version["model"]])
        _expect(int, version["version"])
        _expect(bool, version["is_trained_on_them"], version["is_retired"])
    _expect(bool, values["retires"], values["stops_serving"])
    planned = [(kind, path) for kind, path in map(_texts, values["planned"])]
    return ForgetJournal(
        request,
        ForgottenPictures(
            frozenset(map(bytes.fromhex, _texts(values["contents"]))),
            frozenset(map(encoded, _texts(values["locations"]))),
            frozenset(_texts(values["names"])),
        ),
        values["retires"],
        values["stops_serving"],
        values["started_at"],
        removed,
        values["versions"],
        planned,
    )


def _texts(values: Any) -> list[str]:
    """Return a list if it is one of texts."""
    _expect(list, values)
    _expect(str, *values)
    texts: list[str] = values
    return texts


def _expect(kind: type, *values: Any) -> None:
    for value in values:
        if not isinstance(value, kind):
            raise TypeError(f"a value that is no {kind.__name__}")


def remove_journal(workspace: Workspace) -> None:
    """Remove the journal: all is done."""
    _file(workspace).unlink(missing_ok=True)


def _file(workspace: Workspace) -> Path:
    return receipts_folder(workspace) / ".unfinished.json"
