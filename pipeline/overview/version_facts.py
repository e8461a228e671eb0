"""What is known of a served version: since when it serves, and its accuracy per domain."""

import math
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import Any

from components.pusher.rollback_record import read_rollback
from components.pusher.version_store import Push, VersionStore
from pipeline.overview.finite_number import finite_number
from pipeline.summary.summary_schema import Domain
from trainer_module.contract.errors import InputError
from trainer_module.contract.printable_names import printable_name


@dataclass(frozen=True)
class DomainAccuracy:
    """Accuracy of a version on the test pictures of one domain, or on its cross-fitted ones.

    Attributes:
        name: Name of the domain.
        accuracy: Accuracy, 0 to 1.
        low: Lower end of its confidence interval; None where it is unknown.
        high: Upper end of that interval.
        test_images: Number of test pictures, with those that are cross-fitted; None where it is
            unknown.
        cross_fitted_images: Number of them that are cross-fitted: each is predicted by a model that
            was trained without it, and is in no test split; None where it is unknown.
        change: Accuracy minus that of the baseline on the same pictures; None where it is unknown.
        change_low: Lower end of the confidence interval of the change.
        change_high: Upper end of that interval.
        is_new: Whether the baseline was not tested in this domain.
    """

    name: str
    accuracy: float
    low: float | None = None
    high: float | None = None
    test_images: float | None = None
    cross_fitted_images: float | None = None
    change: float | None = None
    change_low: float | None = None
    change_high: float | None = None
    is_new: bool = False


def describe_version(
    store: VersionStore, number: int, push: Push | None, promoted_at: str = ""
) -> dict[str, Any]:
    """Return what the page says of a version, as a JSON object.

    Args:
        store: Versions of the model.
        number: Number of the version.
        push: Record of its push; None if it is unavailable.
        promoted_at: Time at which it began to serve later than at its push, ISO 8601; "" if it did
            not, or if nobody knows.

    Raises:
        OSError: The folder of the versions that were rolled back cannot be read.
    """
    since, after_rollback = serving_since(store, number, push) if push else ("", None)
    since = max(since, utc_time(promoted_at))
    return {
        "number": number,
        "since": since,
        "after_rollback": after_rollback,
        "accepted": printable_name(push.accepted or "") if push else "",
        "baseline": push.baseline_version if push else None,
    }


def find_since(store: VersionStore, number: int, promoted_at: str = "") -> str:
    """Return since when a version serves, ISO 8601 in UTC; "" where no record tells it.

    Args:
        store: Versions of the model.
        number: Number of the version.
        promoted_at: See `describe_version`.
    """
    try:
        push = store.read_any(number)
        since: str = describe_version(store, number, push, promoted_at)["since"]
    except (InputError, OSError):  # the overview tells what is wrong with the record
        return ""
    return since


def serving_since(store: VersionStore, number: int, push: Push) -> tuple[str, int | None]:
    """Return since when a version serves, and the version whose rollback brought it back.

    Args:
        store: Versions of the model.
        number: Number of the version.
        push: Record of its push.

    Returns:
        Time, ISO 8601 in UTC, and None if the version has served since its push.
    """
    since, after_rollback = utc_time(push.pushed_at), None
    for later in store.rolled_back_versions():
        if later > number:
            moment = utc_time(read_rollback(store.rolled_back / str(later)).rolled_back_at)
            if moment > since:
                since, after_rollback = moment, later
    return since, after_rollback


def utc_time(text: str | None) -> str:
    """Return a time of a record with its time zone, as pages need it; "" for what is no time.

    Args:
        text: Time, ISO 8601; one without a time zone is in UTC.
    """
    try:
        moment = datetime.fromisoformat(text or "")
        zoned = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
        return zoned.astimezone(timezone.utc).isoformat(timespec="seconds")
    except (TypeError, ValueError, OverflowError):  # a damaged ledger may hold numbers
        return ""


def domain_accuracies(
    push: Push, results: dict[str, Domain], before: dict[str, dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return the accuracy of a version in every domain, the lowest first, as JSON objects.

    Args:
        push: Record of the push of the version.
        results: Results in the summary of its run. Without them there are no intervals, and a
            change is the difference of two recorded accuracies.
        before: Metrics by domain in the record of the baseline; empty without a baseline.
    """
    rows = []
    for name, metrics in push.domains.items():
        is_new = bool(before) and name not in before
        row = (
            _compared_accuracy(name, results[name], is_new)
            if name in results
            else _recorded_accuracy(name, metrics, before.get(name, {}), is_new)
        )
        rows += [row] if row and math.isfinite(row.accuracy) else []
    return [asdict(row) for row in sorted(rows, key=lambda row: (row.accuracy, row.name))]


def _compared_accuracy(name: str, result: Domain, is_new: bool) -> DomainAccuracy:
    return DomainAccuracy(
        name=printable_name(name),
        accuracy=result.accuracy,
        low=result.accuracy_low,
        high=result.accuracy_high,
        test_images=result.test_images,
        cross_fitted_images=result.cross_fitted_images,
        change=result.change,
        change_low=result.change_low,
        change_high=result.change_high,
        is_new=is_new,
    )


def _recorded_accuracy(
    name: str, metrics: dict[str, Any], before: dict[str, Any], is_new: bool
) -> DomainAccuracy | None:
    """Return the accuracy in a record; None if there is no number for it."""
    accuracy = finite_number(metrics.get("accuracy"))
    earlier = finite_number(before.get("accuracy"))
    pictures = finite_number(metrics.get("test_images"))
    if accuracy is None:
        return None
    return DomainAccuracy(
        name=printable_name(name),
        accuracy=accuracy,
        test_images=pictures,
        change=None if earlier is None else accuracy - earlier,
        is_new=is_new,
    )
