"""What a run looks like on a terminal: progress while it runs, tables at its end."""

import contextlib
import time
from collections.abc import Iterator

from rich import box
from rich.console import Console, ConsoleRenderable, Group
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from components.data_gate.findings import SEVERITIES, Finding
from pipeline.summary.summary_schema import Domain, Stages, Summary

WIDTH = 18

COLOURS = {"error": "red", "warning": "yellow", "information": "blue"}


class Reporter:
    """Shows which component runs and what it says; a finished one leaves a line behind."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._progress: Progress | None = None

    def title(self, text: str) -> None:
        """Print what runs."""
        text = f"[bold]carryover[/bold] {escape(text)}"
        self.console.print(text, highlight=False, soft_wrap=True)

    @contextlib.contextmanager
    def component(self, name: str) -> Iterator["Outcome"]:
        """Show a component while it runs."""
        outcome = Outcome()
        start = time.perf_counter()
        try:
            with self._live(name):
                yield outcome
        except BaseException:
            self._line("[red]x[/red]", name, f"failed after {time.perf_counter() - start:.1f} s")
            raise
        outcome.seconds = time.perf_counter() - start
        took = "from cache" if outcome.cached else f"{outcome.seconds:.1f} s"
        self._line("[green]+[/green]", name, took)

    def say(self, message: str) -> None:
        """Show what the running component says: live on a terminal, a line each elsewhere."""
        if self._progress:
            self._progress.update(self._progress.task_ids[0], description=escape(message))
        else:
            self.console.print(f"    {escape(message)}", highlight=False, soft_wrap=True)

    @contextlib.contextmanager
    def _live(self, name: str) -> Iterator[None]:
        """A spinner and a clock, where there is a terminal to draw them on."""
        if not self.console.is_terminal:
            yield
            return
        columns = (
            SpinnerColumn(),
            TextColumn("{task.fields[name]:<" + str(WIDTH) + "}"),
            TimeElapsedColumn(),
            TextColumn("{task.description}", style="dim"),
        )
        # Redirected output would come back onto the terminal, out of the log.
        with Progress(
            *columns,
            console=self.console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        ) as progress:
            progress.add_task("", name=name, total=None)
            self._progress = progress
            try:
                yield
            finally:
                self._progress = None

    def _line(self, mark: str, name: str, text: str) -> None:
        self.console.print(f"{mark} {escape(name):<{WIDTH}} {escape(text)}", highlight=False)


class Outcome:
    """How a component ended: how long it took, and whether it ran at all."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.cached = False


def show_summary(
    console: Console, summary: Summary, model: str | None, serving: int | None
) -> None:
    """Print the end of a run.

    Args:
        console: where to.
        summary: of the run.
        model: folder of the version that serves this run's model, None when it does not.
        serving: the newest version that serves after the run, None when there is none.
    """
    show_findings(console, summary.findings)
    parts: list[ConsoleRenderable] = []
    if summary.images:
        parts.append(Text(_images_line(summary)))
    if summary.domains:
        parts.append(_domain_table(summary))
    console.print(Group(*parts), highlight=False)
    console.print(_verdict(summary, model, serving), highlight=False, soft_wrap=True)


def show_findings(console: Console, findings: list[Finding], all_of_them: bool = False) -> None:
    """Print what was found in the data, the gravest first.

    Args:
        console: where to.
        findings: of the data gate.
        all_of_them: or only what may be wrong, and how many notes there are.
    """
    order = sorted(findings, key=lambda finding: -SEVERITIES.index(finding.severity))
    shown = [one for one in order if all_of_them or one.severity != "information"]
    for finding in shown:
        mark = f"[{COLOURS[finding.severity]}]{finding.severity:<11}[/]"
        console.print(f"{mark} {escape(finding.text)}", highlight=False, soft_wrap=True)
    if notes := len(order) - len(shown):
        text = f"{notes} more about the data in summary.json, or by carryover inspect"
        console.print(text, highlight=False, style="dim")


def _images_line(summary: Summary) -> str:
    images = summary.images
    if images is None:
        return ""
    line = (
        f"\n{images.read:,} files: {images.train:,} train, {images.eval:,} eval, "
        f"{images.test:,} test, {images.rejected:,} rejected"
    )
    line += "".join(f"\n  {n:,} x {reason}" for reason, n in summary.reject_reasons.items())
    ignored = sum(summary.ignored_files.values())
    return line + (f"\n{ignored:,} hidden and system files left alone" if ignored else "")


def _domain_table(summary: Summary) -> Table:
    """Accuracy per domain: both stages on the eval split, then candidate and baseline on test."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("domain", overflow="fold")
    for name in ("images", "frozen*", "tuned*", "accuracy", "before", "change"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, domain in summary.domains.items():
        table.add_row(
            escape(name),
            f"{domain.test_images:,}",
            *_stage_shares(summary.stages, name),
            f"[bold]{domain.accuracy:.3f}[/bold]",
            _share(domain.baseline_accuracy),
            _change(domain),
        )
    table.add_section()
    mean = _share(summary.mean_domain_accuracy)
    table.add_row("mean", "", *_stage_shares(summary.stages, None), f"[bold]{mean}[/bold]")
    if summary.worst_domain and len(summary.domains) > 1:
        worst = summary.domains[summary.worst_domain].accuracy
        table.add_row(f"worst: {escape(summary.worst_domain)}", "", "", "", _share(worst))
    if summary.stages:
        chosen = summary.stages.chosen.replace("_", "-")
        table.caption = f"* on the eval split; {chosen} is exported. Rest: test split"
        table.caption_justify = "left"
    return table


def _stage_shares(stages: Stages | None, domain: str | None) -> list[str]:
    """Both stages' accuracy on a domain of the eval split, or its mean over domains."""
    cells = []
    for stage in (stages.frozen, stages.fine_tuned) if stages else (None, None):
        if stage is None:
            cells.append("-")
        elif domain is None:
            cells.append(_share(stage.eval_mean_domain_accuracy))
        else:
            cells.append(_share(stage.eval_domain_accuracy.get(domain)))
    return cells


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _change(domain: Domain) -> str:
    if domain.baseline_accuracy is None:
        return "-"
    change = domain.accuracy - domain.baseline_accuracy
    colour = "green" if change >= 0 else "red"
    return f"[{colour}]{change:+.3f}[/{colour}]"


def _verdict(summary: Summary, model: str | None, serving: int | None) -> Text:
    total = f"{summary.seconds.get('total', 0):.0f} s"
    if summary.status == "pushed":
        what = "Pushed" if summary.new_version else "Nothing new to push: this model serves as"
        return Text(f"{what} version {summary.pushed_version} in {total}: {model}", "green")
    served = f"Version {serving} still serves." if serving else ""
    lines = "".join(f"\n  {reason}" for reason in summary.reasons)
    return Text(f"Not pushed ({total}). {served}{lines}", "yellow")
