"""docs/new-domain.md has the words of the commands."""

import re

import pytest
from documentation import page

from pipeline.labelling.batch_writer import WrittenBatch
from pipeline.labelling.label_server import _describe
from pipeline.monitoring import unusual_batch
from pipeline.monitoring.traffic_report import AlarmReport, DomainTraffic, TrafficReport
from pipeline.monitoring.traffic_table import show_report

PAGE = page("docs/new-domain.md")

#: Time of an alarm, which is told by the weekday for some days.
SINCE = re.compile(r"since \S+( \S+)? UTC")


def traffic(
    pictures: int,
    minute: int,
    rates: tuple[float, float, float, float],
    label: str,
    share: float,
    alarm: AlarmReport | None = None,
    delivered: str | None = None,
) -> DomainTraffic:
    """Traffic of the client of the page: share of novel ones, confidence, accuracy, usual one."""
    novel, confidence, estimate, usual = rates
    first = f"2026-11-27T18:{minute:02d}:00+00:00"
    return DomainTraffic(
        "tablet",
        pictures,
        first,
        first,
        pictures,
        unusable=0,
        novel=novel,
        novelty=novel,
        confidence=confidence,
        usual_confidence=confidence,
        estimated_accuracy=estimate,
        usual_accuracy=usual,
        measures={"brightness": 0.9},
        classes={label: share},
        alarm=alarm,
        delivered=delivered,
        delivered_at=delivered and first,
        is_new_delivery=delivered is not None,
    )


DELIVERED = "traffic-1-20261127-180421-5d0c91e7"
ALARM = AlarmReport("2026-11-27T18:04:00+00:00", 250, 0.92, 0.18, "openmoji", 0.52, ["colourless"])
REPORTS = {
    1: traffic(
        *(250, 4, (0.54, 0.67, 0.52, 0.85), "animal", 0.56, ALARM),
        f"my-inbox/{DELIVERED}",
    ),
    2: traffic(221, 16, (0.04, 0.85, 0.83, 0.69), "person", 0.33),
}


@pytest.mark.parametrize("version", [1, 2])
def test_the_output_of_the_monitor_is_that_of_the_command(version, capsys):
    show_report(TrafficReport("carryover", version, domains=[REPORTS[version]]))
    said = SINCE.sub("since Friday 18:04 UTC", capsys.readouterr().out)
    assert said.strip("\n") in [block.strip("\n") for block in PAGE.blocks("")]


def test_the_output_of_label_is_that_of_the_command(tmp_path):
    written = WrittenBatch(tmp_path / f"{DELIVERED}-labels", num_omitted=150)
    counts = {"animal": 17, "face": 23, "food": 29, "person": 31}
    written.labels.update({("tablet", name): count for name, count in counts.items()})
    said = "\n".join(_describe(written)).replace(str(tmp_path), "/data/my-inbox")
    assert said in [block.strip() for block in PAGE.blocks("")]


def test_the_number_of_pictures_of_a_batch_is_that_of_the_code():
    assert f"fewer than {unusual_batch.MIN_PICTURES} unusual pictures" in PAGE.text
    assert f"here {unusual_batch.TO_LABEL_COUNT} of 250" in PAGE.text
