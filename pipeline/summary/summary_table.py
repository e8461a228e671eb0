"""The summary of a run on the terminal: counts of pictures, metrics per domain, the outcome."""

from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.summary.acceptance_result import describe_acceptance, describe_fall
from pipeline.summary.finding_list import show_findings
from pipeline.summary.slices.slice_table import show_slices
from pipeline.summary.summary_schema import Domain, Stage, Stages, Summary
from pipeline.terminal.accept_command import accept_command
from pipeline.terminal.safe_console import plain
from pipeline.terminal.table_printing import print_table
from trainer_module.contract.output_text.wording import counted
from trainer_module.contract.printable_names import printable_name

#: Domains that a line below the table names.
MAX_NAMED = 3

#: Domains that the advice about a rejected candidate names.
MAX_FAILED = 3

#: What a smaller share of accepted predictions means.
FEWER_ANSWERS = "clients that use accepted predictions alone get fewer of them"

#: Start of a reason that no person can overrule: the model cannot be served.
UNSERVABLE = "serving check: "


def show_summary(
    console: Console, summary: Summary, model: str | None, serving: int | None, workspace: Path
) -> None:
    """Print the summary of a run that has ended.

    Args:
        console: Console to print on.
        summary: Summary of the run.
        model: Folder of the version that serves the model of this run; None if none does.
        serving: Serving version after the run; None if no version serves.
        workspace: Folder of the workspace, for the command that accepts a candidate.
    """
    show_findings(console, summary.findings)
    if summary.images:
        console.print(Text(_image_counts(summary)), highlight=False, soft_wrap=True)
    if summary.domains:
        print_table(console, _domain_table(summary))
        for line in filter(None, (_cross_fitted(summary), _partly_compared(summary))):
            console.print(Text(line), highlight=False, soft_wrap=True)
        if line := _too_small(summary):
            console.print(Text(line, "yellow"), highlight=False, soft_wrap=True)
    if line := describe_acceptance(summary.acceptance):
        console.print(Text(line), highlight=False, soft_wrap=True)
    if fall := describe_fall(summary.acceptance):
        line = f"{fall[0].upper()}{fall[1:]}: {FEWER_ANSWERS}"
        console.print(Text(line, "yellow"), highlight=False, soft_wrap=True)
    test_images = sum(domain.test_images for domain in summary.domains.values())
    show_slices(console, summary.slices, summary.without_value, test_images)
    console.print(_outcome(summary, model, serving), highlight=False, soft_wrap=True)
    if summary.status == "not_blessed" and (advice := _advice(summary, workspace)):
        console.print(Text(advice), highlight=False, soft_wrap=True)


def describe_change(summary: Summary) -> str:
    """Return what a version changed: the domain that gained most, and the one that lost most."""
    changes = {
        name: domain.change for name, domain in summary.domains.items() if domain.change is not None
    }
    if not changes:
        return f"version {summary.pushed_version}"
    most, least = (pick(changes, key=changes.__getitem__) for pick in (max, min))
    texts = [f"'{name}' {changes[name]:+.3f}" for name in dict.fromkeys((most, least))]
    return f"{' to '.join(texts)}, mean {summary.mean_domain_accuracy:.3f}"


def _image_counts(summary: Summary) -> str:
    images = summary.images
    if images is None:
        return ""
    line = (
        f"\n{counted(images.read, 'file')}: {images.train:,} train, {images.eval:,} eval, "
        f"{images.test:,} test, {images.rejected:,} rejected"
    )
    if summary.without_label:
        line += f"; besides, {summary.without_label:,} without a label"
    counts = summary.reject_reasons.items()
    line += "".join(f"\n  {count:,} x {printable_name(reason)}" for reason, count in counts)
    ignored = sum(summary.ignored_files.values())
    return line + (f"\n{counted(ignored, 'hidden or system file')} ignored" if ignored else "")


def _domain_table(summary: Summary) -> Table:
    """Return accuracies per domain: stages on the eval split, candidate and baseline on test."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("domain", overflow="fold")
    stages = ["frozen*", "tuned*", *(["semi*"] if _has_unlabelled(summary) else [])]
    for name in ("images", *stages, "accuracy", "baseline", "change"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, domain in summary.domains.items():
        table.add_row(
            plain(name),
            f"{domain.test_images:,}",
            *_stage_accuracies(summary.stages, name),
            _accuracy_with_interval(domain),
            _accuracy(domain.baseline_accuracy),
            _change(domain),
        )
    table.add_section()
    mean = _accuracy(summary.mean_domain_accuracy)
    table.add_row("mean", "", *_stage_accuracies(summary.stages, None), f"[bold]{mean}[/bold]")
    if summary.worst_domain and len(summary.domains) > 1:
        worst = summary.domains[summary.worst_domain].accuracy
        blanks = [""] * (1 + len(stages))
        table.add_row(f"worst: {plain(summary.worst_domain)}", *blanks, _accuracy(worst))
    if summary.stages:
        chosen = summary.stages.chosen.replace("_", "-")
        table.caption = f"* eval split; {chosen} is exported. Rest: test split; ± half the interval"
        table.caption_justify = "left"
    return table


def _has_unlabelled(summary: Summary) -> bool:
    return bool(summary.stages and summary.stages.semi_supervised)


def _stage_accuracies(stages: Stages | None, domain: str | None) -> list[str]:
    """Return a cell per stage: accuracy in a domain of the eval split, or the mean for None."""
    cells = []
    shown: list[Stage | None] = [None, None]
    if stages:
        shown = [stages.frozen, stages.fine_tuned]
    if stages and stages.semi_supervised:
        shown.append(stages.semi_supervised)
    for stage in shown:
        if stage is None:
            cells.append("-")
        elif domain is None:
            cells.append(_accuracy(stage.eval_mean_domain_accuracy))
        else:
            cells.append(_accuracy(stage.eval_domain_accuracy.get(domain)))
    return cells


def _accuracy(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _accuracy_with_interval(domain: Domain) -> str:
    bold = f"[bold]{domain.accuracy:.3f}[/bold]"
    if domain.accuracy_low is None or domain.accuracy_high is None:
        return bold
    return f"{bold} ±{(domain.accuracy_high - domain.accuracy_low) / 2:.2f}"


def _cross_fitted(summary: Summary) -> str:
    """Return a line about the domains that are cross-fitted; empty without any."""
    texts = [
        _of_test_images(name, domain, domain.cross_fitted_images)
        for name, domain in summary.domains.items()
        if domain.cross_fitted_images
    ]
    return _first("Cross-fitted pictures, predicted by models trained without them: ", texts)


def _partly_compared(summary: Summary) -> str:
    """Return a line about domains of which some pictures only are compared; empty without any."""
    texts = [
        _of_test_images(name, domain, domain.compared_images)
        for name, domain in summary.domains.items()
        if domain.is_partly_compared
    ]
    return _first(
        "Baseline and change are those of the pictures that the serving model was not trained on: ",
        texts,
    )


def _of_test_images(name: str, domain: Domain, count: int) -> str:
    return f"'{printable_name(name)}' ({count:,} of {domain.test_images:,})"


def _too_small(summary: Summary) -> str:
    """Return a line about the domains whose loss the gate might not notice; empty without any."""
    texts = [
        f"'{printable_name(name)}' sees {domain.detectable_loss:.3f} with "
        f"{domain.compared_images:,}"
        + (f", needs {domain.needed_images:,}" if domain.needed_images else "")
        for name, domain in summary.domains.items()
        if domain.is_too_small
    ]
    return _first("Too few test pictures to notice a loss of gate.max_drop: ", texts, "; ")


def _first(intro: str, texts: list[str], separator: str = ", ") -> str:
    """Return a line with the first texts, and the number of the others; empty without any."""
    if not texts:
        return ""
    shown, left = intro + separator.join(texts[:MAX_NAMED]), len(texts) - MAX_NAMED
    return f"{shown}{separator.rstrip(', ')} and {left:,} more" if left > 0 else shown


def _change(domain: Domain) -> str:
    if domain.change is None:
        return "-"
    colour = "green" if domain.change >= 0 else "red"
    return f"[{colour}]{domain.change:+.3f}[/{colour}]"


def _outcome(summary: Summary, model: str | None, serving: int | None) -> Text:
    total = f"{summary.seconds.get('total', 0):.0f} s"
    if summary.status == "pushed":
        version, path = summary.pushed_version, printable_name(model or "")
        if summary.new_version:
            return Text(f"Pushed version {version} in {total}: {path}", "green")
        what = f"Nothing new to push: this model is already version {version}"
        return Text(f"{what} ({total}): {path}", "green")
    still = f"Version {serving} still serves." if serving else ""
    reasons = "".join(f"\n  {printable_name(reason)}" for reason in summary.reasons)
    return Text(f"Not pushed ({total}). {still}{reasons}", "yellow")


def _advice(summary: Summary, workspace: Path) -> str:
    """Return what to do about a rejected candidate; empty where only the model can be mended."""
    if any(reason.startswith(UNSERVABLE) for reason in summary.reasons):
        return ""
    failed = [
        f"'{printable_name(name)}'"
        for name in summary.domains
        if any(_is_about(reason, name) for reason in summary.reasons)
    ]
    more = f" or {len(failed) - MAX_FAILED:,} more" if len(failed) > MAX_FAILED else ""
    pictures = f"Give more pictures of {', '.join(failed[:MAX_FAILED])}{more}, or push"
    return (
        f"{pictures if failed else 'Push'} the candidate all the same:\n"
        f"  {printable_name(accept_command(workspace, summary.run_id))}"
    )


def _is_about(reason: str, domain: str) -> bool:
    return reason.startswith((f"domain '{domain}':", f"domain '{domain}',"))
