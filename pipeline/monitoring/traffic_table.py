"""Prints the report on traffic."""

from rich import box
from rich.table import Table

from pipeline.monitoring.traffic_report import (
    UNNAMED,
    DomainTraffic,
    TrafficReport,
    describe_time,
)
from pipeline.terminal.plain_lines import print_line
from pipeline.terminal.safe_console import SafeConsole, plain
from pipeline.terminal.table_printing import print_table
from trainer_module.contract.output_text.wording import counted_are, quoted
from trainer_module.export.novelty import HIGH_NOVELTY


def show_report(report: TrafficReport) -> None:
    """Print a table of the client domains, and what is unusual in words.

    Args:
        report: Report with at least one client domain.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("domain", overflow="fold")
    novel = f"novelty > {HIGH_NOVELTY}"
    for column in ("pictures", "since (UTC)", novel, "confidence", "accuracy (est.)", "usual"):
        table.add_column(column, justify="right", no_wrap=True)
    for column in ("brightness", "most frequent class"):
        table.add_column(column, justify="right", overflow="fold")
    for one in report.domains:
        table.add_row(*_cells(one))
    console = SafeConsole()
    print_table(console, table)
    for one in report.domains:
        _print_sentences(one)
    if report.left_out:
        print_line(f"Left out: {report.left_out:,} pictures of further client domains.")
    if not report.is_unusual:
        print_line(
            f"Nothing is unusual for {report.model} {report.version}. (A client domain of known "
            f"pictures raises an alarm with a probability of {report.false_alarms:.0%} in all, "
            "however often you look.)"
        )


def _print_sentences(one: DomainTraffic) -> None:
    """Print what the table does not say of a client domain."""
    if text := one.describe():
        print_line(text)
    if one.estimate_note:
        name = f" of {quoted(one.domain)}" if one.domain else ""
        print_line(f"Accuracy (est.){name} from the confidences: {one.estimate_note}.")
    if one.delivered and one.delivered_at:
        when = "" if one.is_new_delivery else f" {describe_time(one.delivered_at)}"
        gone = " (it is no longer there)" if one.is_delivery_gone else ""
        print_line(f"Delivered{when}: {one.delivered}{gone}")
    if one.unusable:
        print_line(f"Left out: {counted_are(one.unusable, 'picture')} not decodable.")


def _cells(one: DomainTraffic) -> list[str]:
    label, share = max(one.classes.items(), key=lambda item: item[1])
    return [
        plain(one.domain or UNNAMED),
        f"{one.pictures:,}",
        one.first[:16].replace("T", " "),
        "-" if one.novel is None else f"{one.novel:.0%}",
        f"{one.confidence:.2f}",
        _number(one.estimated_accuracy),
        _number(one.usual_accuracy),
        f"{one.measures['brightness']:.2f}",
        f"{plain(label)} {share:.0%}",
    ]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
