"""What is said of the traffic of a version: numbers by client domain, and alarms in words."""

import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from typing import Any

import numpy as np

from pipeline.monitoring.drift_test import FALSE_ALARMS
from pipeline.monitoring.model_knowledge import ModelKnowledge
from pipeline.monitoring.monitor_state import SettledAlarm, StreamState
from pipeline.monitoring.picture_words import describe_look
from pipeline.monitoring.unusual_pictures import UnusualPictures
from trainer_module.contract.example_features import MEASURES
from trainer_module.contract.output_text.wording import counted, quoted
from trainer_module.export.novelty import HIGH_NOVELTY

#: Decimals of the numbers in JSON.
DECIMALS = 4

#: What a client domain without a name is called.
UNNAMED = "(none)"


@dataclass(frozen=True)
class AlarmReport:
    """Pictures that, taken together, are unlike every known domain; see `drift_classifier`.

    Attributes:
        since: Time of the first picture after the change, ISO 8601 in UTC.
        pictures: Number of pictures since then.
        share: Share of them that is unlike every known domain.
        known_share: Greatest share of a known group of which the same would be said.
        nearest_domain: Known domain that the newest of these pictures are nearest to; None if it is
            not known.
        distance: Their distance to it, see `embedding_distance`; the same measure as in the reason
            of a batch.
        look: Words for how they look.
    """

    since: str
    pictures: int
    share: float
    known_share: float
    nearest_domain: str | None
    distance: float | None
    look: list[str]


@dataclass(frozen=True)
class DomainTraffic:
    """Traffic of a client domain: the newest pictures, or those since an alarm.

    Attributes:
        domain: Name that clients gave; "" for none.
        pictures: Number of pictures that the numbers are about.
        first: Time of the first of them, ISO 8601 in UTC.
        last: Time of the last of them.
        total: Number of pictures of this version so far.
        unusable: Number of files that cannot be decoded.
        novel: Share of the pictures with a novelty above 0.95, which 0.05 of known ones have; None
            if the version does not tell the novelty.
        novelty: Mean novelty, 0 to 1; None likewise.
        confidence: Mean confidence.
        usual_confidence: The same for test pictures; None for a version without them.
        estimated_accuracy: Estimated accuracy, see `agreement`; None for too few pictures.
        usual_accuracy: Accuracy on test pictures; None for a version without them.
        estimate_note: Why confidences give no estimate, or what is wrong with it; "" for a usual
            one. Then the other estimate alone counts, unless there are too few pictures.
        measures: Mean brightness and other measures by name.
        classes: Share of the pictures by predicted class.
        alarm: Alarm; None if nothing is unusual.
        settled_alarm: Why the newest alarm ended, if labels show that the version is good enough on
            its pictures.
        delivered: Folder of the newest batch that was delivered since the alarm; None for none.
        delivered_at: Time of that delivery, ISO 8601 in UTC.
        is_new_delivery: Whether it was delivered in this pass.
        is_delivery_gone: Whether that folder is no longer there.
    """

    domain: str
    pictures: int
    first: str
    last: str
    total: int
    unusable: int
    novel: float | None
    novelty: float | None
    confidence: float
    usual_confidence: float | None
    estimated_accuracy: float | None
    usual_accuracy: float | None
    measures: dict[str, float]
    classes: dict[str, float]
    alarm: AlarmReport | None
    estimate_note: str = ""
    settled_alarm: SettledAlarm | None = None
    delivered: str | None = None
    delivered_at: str | None = None
    is_new_delivery: bool = False
    is_delivery_gone: bool = False

    def describe(self) -> str:
        """Return what is unusual, or why it no longer is, in words; "" for neither."""
        if (settled := self.settled_alarm) is not None:
            name = f"Domain {quoted(self.domain)}: the" if self.domain else "The"
            return (
                f"{name} alarm was settled {describe_time(settled.time)} by {settled.batch}, "
                f"good_enough: {settled.reason}"
            )
        if self.alarm is None:
            return ""
        alarm = self.alarm
        name = f"Domain {quoted(self.domain)}: since" if self.domain else "Since"
        alone = "" if self.novel is None else "; novelty takes each picture alone"
        text = (
            f"{name} {describe_time(alarm.since)} {alarm.share:.0%} of "
            f"{counted(alarm.pictures, 'picture')}, taken together, are unlike every known domain "
            f"(of known ones at most {alarm.known_share:.0%} would be{alone})"
        )
        if alarm.nearest_domain is not None:
            text += f", nearest {quoted(alarm.nearest_domain)} ({alarm.distance:.2f})"
        text += f": {', '.join(alarm.look)}." if alarm.look else "."
        if self.estimated_accuracy is not None:
            usual = self.usual_accuracy
            known = "" if usual is None else f", usually {usual:.2f}"
            text += f" Estimated accuracy {self.estimated_accuracy:.2f}{known}."
        return text


@dataclass(frozen=True)
class TrafficReport:
    """Traffic of a version.

    Attributes:
        model: Name of the model.
        version: Number of the version.
        false_alarms: Probability that a client domain of known pictures ever raises an alarm.
        domains: Traffic by client domain, in the order of the names.
        left_out: Number of new pictures of client domains beyond the greatest number of them.
        finished: Folders of batches of earlier versions that a killed monitor had left.
        faults: Why pictures that are unusual are not in the inbox.
        time: Time of the look, ISO 8601 in UTC.
    """

    model: str
    version: int
    false_alarms: float = FALSE_ALARMS
    domains: list[DomainTraffic] = field(default_factory=list)
    left_out: int = 0
    finished: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    time: str = field(default_factory=lambda: _iso(time.time()))

    @property
    def is_unusual(self) -> bool:
        """Whether a client domain has an alarm."""
        return any(one.alarm for one in self.domains)

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON-ready values."""
        return asdict(self) | {"unusual": self.is_unusual}


def report_stream(
    domain: str,
    stream: StreamState,
    found: UnusualPictures | None,
    knowledge: ModelKnowledge,
    hours: float,
) -> DomainTraffic:
    """Return the report on a client domain that has pictures.

    Args:
        domain: Name that clients gave.
        stream: Its state.
        found: Result of `find_unusual`.
        knowledge: What the version says about pictures.
        hours: Age of the oldest picture that the numbers are about, without an alarm.
    """
    pictures = stream.pictures
    newest = pictures.select(pictures.times >= pictures.times[-1] - hours * 3600)
    shown = found.since if found else newest
    usual_confidence, usual_accuracy = knowledge.usual(domain)
    points = shown.points.astype(np.float64)
    estimates = [
        knowledge.second_classifier.agreement(points, shown.labels),
        knowledge.thresholded_accuracy(domain, shown.confidences),
    ]
    # Each is too high in some new domains, and rarely too low.
    estimate = min((one for one in estimates if one is not None), default=None)
    counts = Counter(shown.labels.tolist())
    has_novelty = not np.isnan(shown.novelties).all()
    return DomainTraffic(
        domain=domain,
        pictures=len(shown),
        first=_iso(shown.times[0]),
        last=_iso(shown.times[-1]),
        total=stream.total,
        unusable=stream.num_unusable,
        novel=_rounded((shown.novelties > HIGH_NOVELTY).mean()) if has_novelty else None,
        novelty=_rounded(np.nanmean(shown.novelties)) if has_novelty else None,
        confidence=_rounded(shown.confidences.mean()),
        usual_confidence=usual_confidence and _rounded(usual_confidence),
        estimated_accuracy=None if estimate is None else _rounded(estimate),
        usual_accuracy=None if usual_accuracy is None else _rounded(usual_accuracy),
        measures={
            name: _rounded(value)
            for name, value in zip(MEASURES, shown.measures.mean(axis=0), strict=True)
        },
        classes={label: _rounded(count / len(shown)) for label, count in sorted(counts.items())},
        alarm=_report_alarm(found, knowledge) if found else None,
        estimate_note=knowledge.estimate_note(domain, len(shown)),
        settled_alarm=stream.settled_alarm,
    )


def _report_alarm(found: UnusualPictures, knowledge: ModelKnowledge) -> AlarmReport:
    unusual = found.unusual
    distances = knowledge.distances(found.embeddings)
    nearest = min(distances, key=lambda name: (distances[name], name)) if distances else None
    return AlarmReport(
        since=_iso(found.since.times[0]),
        pictures=len(found.since),
        share=_rounded(found.share),
        known_share=_rounded(found.known_share),
        nearest_domain=nearest,
        distance=None if nearest is None else _rounded(distances[nearest]),
        look=describe_look(unusual.measures, knowledge.distributions()),
    )


def _rounded(value: Any) -> float:
    return round(float(value), DECIMALS)


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(float(seconds), timezone.utc).isoformat(timespec="seconds")


def describe_time(time: str) -> str:
    """Return a time for people: the day of the week within six days, the date before that.

    Args:
        time: Time, ISO 8601 with its time zone.
    """
    moment = datetime.fromisoformat(time)
    age = datetime.now(timezone.utc) - moment
    form = "%A %H:%M" if 0 <= age.days < 6 else "%Y-%m-%d %H:%M"
    return f"{moment.strftime(form)} UTC"
