"""What is told of a shadow: in the log, in notices, and on the page."""

from typing import Any

from pipeline.serving.shadow.shadow_options import ShadowOptions
from pipeline.serving.shadow.shadow_record import Disagreement, Outcome, ShadowRecord
from trainer_module.contract.output_text.wording import counted, listed, quoted
from trainer_module.contract.printable_names import printable_name

#: Most rows of a table on the page.
MAX_ROWS = 50

#: What a person can do about a version that stays in shadow.
ADVICE = (
    "Take it out of service with carryover rollback, or start carryover serve with --no-shadow to "
    "serve it all the same"
)


def count_missing(record: ShadowRecord, options: ShadowOptions) -> int:
    """Return how many more pictures a decision needs at least; 0 or less if it can be made.

    A single confident prediction says nothing, so a shadow goes on until there are enough of them.

    Args:
        record: Record of the shadow.
        options: Options of the server.
    """
    return max(
        options.num_pictures - record.num_pictures, options.num_confident - record.num_confident
    )


def decide(record: ShadowRecord, options: ShadowOptions) -> Outcome:
    """Return what becomes of a version in shadow; "" while more pictures are needed.

    Args:
        record: Record of the shadow.
        options: Options of the server.
    """
    if count_missing(record, options) > 0:
        return ""
    share = record.counts.confident_share
    return "over_limit" if share > options.max_disagreement else "promoted"


def describe_start(record: ShadowRecord | None, options: ShadowOptions) -> str:
    """Return what a shadow needs, or still needs, for the log of a server.

    Args:
        record: Record of the shadow that begins, or goes on; None if no version is in shadow.
        options: Options of the server.
    """
    pictures, least = counted(options.num_pictures, "picture"), options.num_confident
    rule = f"must be confident of {least:,} of them, before it serves"
    if record is None:
        return (
            f"a version that is pushed now is first in shadow: it predicts {pictures} beside the "
            f"serving version, which {rule}"
        )
    text = (
        f"version {record.version} is in shadow: it predicts {pictures} beside version "
        f"{record.serving}, which {rule}"
    )
    if record.num_pictures:
        confident = counted(record.num_confident, "confident prediction")
        text += f". So far there are {counted(record.num_pictures, 'picture')} and {confident}"
    return text


def describe_counts(record: ShadowRecord, options: ShadowOptions) -> str:
    """Return how often the versions disagree, as a part of a sentence.

    Args:
        record: Record of the shadow.
        options: Options of the server.
    """
    counts = record.counts
    if not counts.pictures:
        return "no picture was compared"
    text = (
        f"of {counted(counts.pictures, 'picture')} it predicts another class than version "
        f"{record.serving} for {_share(counts.disagreements, counts.pictures)}"
    )
    if not counts.confident:
        return f"{text}, and version {record.serving} is confident of none"
    confident = _share(counts.confident_disagreements, counts.confident)
    return (
        f"{text}, and for {confident} of the {counts.confident} that version {record.serving} is "
        f"confident of, where the limit is {_percent(options.max_disagreement)}"
    )


def describe_classes(record: ShadowRecord) -> str:
    """Return the classes of the serving version with most disagreements; "" if there are none.

    Args:
        record: Record of the shadow.
    """
    classes = [one for one in record.by_class() if one.disagreements]
    return listed(
        f"{quoted(one.name)} {one.disagreements} of {one.pictures} (most often "
        f"{quoted(one.most_frequent)})"
        for one in classes
    )


def describe_shadow(record: ShadowRecord | None, options: ShadowOptions) -> dict[str, Any] | None:
    """Return what the page tells of a shadow, as a JSON object; None if there was none.

    Args:
        record: Record of the shadow that lasts, or of the last one.
        options: Options of the server.
    """
    if record is None:
        return None
    return {
        "version": record.version,
        "serving": record.serving,
        "since": record.since,
        "ended": record.ended,
        "outcome": record.outcome,
        "reason": record.reason,
        "wanted": options.num_pictures,
        "wanted_confident": options.num_confident,
        "limit": options.max_disagreement,
        "dropped": record.dropped,
        "repeated": record.repeated,
        "counts": _row(record.counts),
        "classes": [_row(one) for one in record.by_class()[:MAX_ROWS]],
        "domains": [_row(one) for one in record.by_domain()[:MAX_ROWS]],
    }


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _share(number: int, total: int) -> str:
    return f"{number} ({_percent(number / total)})"


def _row(one: Disagreement) -> dict[str, Any]:
    return {
        "name": printable_name(one.name),
        "pictures": one.pictures,
        "disagreements": one.disagreements,
        "confident": one.confident,
        "confident_disagreements": one.confident_disagreements,
        "most_frequent": printable_name(one.most_frequent),
    }
