"""The findings of the data gate on the terminal."""

from rich.console import Console

from components.data_gate.findings import Finding
from components.data_gate.stopping import most_severe_first
from pipeline.terminal.safe_console import plain
from trainer_module.contract.output_text.wording import counted

COLOURS = {"error": "red", "warning": "yellow", "information": "blue"}


def show_findings(
    console: Console, findings: list[Finding], include_information: bool = False
) -> None:
    """Print findings about the data, the most severe first.

    Args:
        console: Console to print on.
        findings: Findings of the data gate, in any order.
        include_information: Print the findings of severity `information` too. By default only
            their number is printed.
    """
    ordered = most_severe_first(findings)
    shown = [one for one in ordered if include_information or one.severity != "information"]
    for finding in shown:
        mark = f"[{COLOURS[finding.severity]}]{finding.severity:<11}[/]"
        console.print(f"{mark} {plain(finding.text)}", highlight=False, soft_wrap=True)
    if hidden := len(ordered) - len(shown):
        what = counted(hidden, "more finding")
        text = f"{what} about the data in summary.json, or by carryover inspect"
        console.print(text, highlight=False, style="dim")
