"""No retraining forgets a domain because the files of its pictures are unavailable."""

import pytest

from components.data_gate.validation_options import ValidationOptions
from pipeline.retraining.pictures.readable_pictures import check_readable
from trainer_module.contract.errors import UnavailableError
from trainer_module.contract.listing_row import ListingRow

MISSING = "cannot be opened: No such file or directory"

ALL_ALLOWED = ("empty_split", "rejects", "untestable_domain", "vanished_domain")


def rows(folder: str, domain: str, split: str, count: int, missing: int = 0) -> list[ListingRow]:
    """Return rows of known pictures, the first `missing` of which are unavailable."""
    made = []
    for number in range(count):
        path = f"{folder}/{domain}/{split}-{number}.png"
        row = ListingRow(path=path, domain=domain, label="cat", split=split, known=True)
        if number < missing:
            row["reason"] = MISSING
        made.append(row)
    return made


def message(listed: list[ListingRow], *allow: str, **options: float | str) -> str:
    """Return why rows are refused; "" if they are not."""
    try:
        check_readable(listed, ValidationOptions(allow=allow, **options))
    except UnavailableError as error:
        return str(error)
    return ""


DAY = rows("/data", "day", "train", 40) + rows("/data", "day", "test", 10)


def test_readable_pictures_and_those_of_a_store_are_not_refused():
    assert message(DAY + rows("gs://bucket", "fog", "test", 3)) == ""
    assert message([]) == ""


@pytest.mark.parametrize("allow", [(), ALL_ALLOWED])
def test_all_pictures_outside_the_workspace_are_never_missing(allow):
    # Domain day keeps test pictures: those of a batch, in the workspace.
    lost = rows("/data", "day", "train", 40, 40) + rows("/data", "day", "test", 10, 10)
    assert message(lost + rows("batches/b", "day", "test", 60), *allow) == (
        "50 of 50 known pictures outside the workspace are unavailable in /data/day (mostly: "
        f"{MISSING}). Mount the disk, or restore the files. If they were deleted on purpose, run "
        "carryover run once: it makes a version without them."
    )


@pytest.mark.parametrize("allow", [(), ALL_ALLOWED])
@pytest.mark.parametrize("stop_at", ["error", "never"])
def test_all_test_pictures_of_a_domain_are_never_missing(allow, stop_at):
    lost = rows("/data", "fog", "train", 90) + rows("/data", "fog", "test", 9, 9)
    found = message(DAY + lost, *allow, stop_at=stop_at)
    assert found.startswith("9 of 9 known test pictures of domain 'fog' are unavailable in /data/")


@pytest.mark.parametrize(
    ("missing", "allow", "options", "is_refused"),
    [
        (10, (), {}, False),
        (11, (), {}, True),
        (11, ("new_class",), {}, True),
        (11, ("rejects",), {}, False),
        (11, (), {"max_rejected": 0.2}, False),
        (11, (), {"stop_at": "never"}, False),
    ],
)
def test_some_deleted_pictures_are_left_to_the_data_gate(missing, allow, options, is_refused):
    lost = rows("/data", "fog", "train", 90, missing) + rows("/data", "fog", "test", 10)
    found = message(DAY + lost, *allow, **options)
    expected = f"{missing} of 100 known pictures of domain 'fog' are unavailable"
    assert found.startswith(expected) if is_refused else found == ""


def test_new_pictures_that_cannot_be_read_are_left_to_the_data_gate():
    new = ListingRow(path="batches/b/1.png", domain="fog", label="cat", reason=MISSING)
    assert message([*DAY, new]) == ""
