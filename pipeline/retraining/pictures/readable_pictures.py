"""Check that the files of known pictures are there, so that no retraining forgets a domain."""

import posixpath
from collections import Counter, defaultdict
from collections.abc import Iterable

from components.data_gate.findings import Finding
from components.data_gate.stopping import stopping_findings
from components.data_gate.validation_options import ValidationOptions
from trainer_module.contract.errors import UnavailableError
from trainer_module.contract.listing_row import ListingRow
from trainer_module.contract.output_text.wording import quoted


def check_readable(rows: Iterable[ListingRow], validation: ValidationOptions) -> None:
    """Refuse a retraining whose known pictures are unavailable.

    A disk that is not mounted is no fault of a batch. Without these pictures, a candidate that has
    forgotten a domain would be compared on the others only.

    Files that were deleted one by one do not stop a retraining: the data gate counts them.
    `validation.allow` with `rejects` allows any share of them, but never all test pictures of a
    domain, nor all pictures outside the workspace.

    Args:
        rows: Rows of the listing. Those of new pictures are not looked at.
        validation: Options; more than `max_rejected` of a domain are unavailable, too.

    Raises:
        UnavailableError: The pictures of a domain, or all those outside the workspace, are
            unavailable.
    """
    is_limited = stopping_findings([Finding(kind="rejects", severity="error", text="")], validation)
    limit = validation.max_rejected if is_limited else 1.0
    groups: dict[tuple[str, float], list[ListingRow]] = defaultdict(list)
    for row in rows:
        if not row.get("known"):
            continue
        domain = f"of domain {quoted(row['domain'])}"
        groups[f"known pictures {domain}", limit].append(row)
        if row["split"] == "test":
            groups[f"known test pictures {domain}", 1.0].append(row)
        if posixpath.isabs(row["path"]):
            groups["known pictures outside the workspace", 1.0].append(row)
    # What may never be missing comes first, and of that the largest group: it says most.
    order = sorted(groups, key=lambda key: (-key[1], -len(groups[key])))
    for name, allowed in order:
        group = groups[name, allowed]
        missing = [row for row in group if "reason" in row]
        if len(missing) == len(group) or len(missing) > allowed * len(group):
            raise UnavailableError(_describe(name, missing, len(group)))


def _describe(name: str, missing: list[ListingRow], count: int) -> str:
    folder = posixpath.commonpath([posixpath.dirname(row["path"]) for row in missing])
    [(reason, _)] = Counter(row["reason"] for row in missing).most_common(1)
    return (
        f"{len(missing):,} of {count:,} {name} are unavailable in {folder} (mostly: {reason}). "
        "Mount the disk, or restore the files. If they were deleted on purpose, run carryover run "
        "once: it makes a version without them."
    )
