"""Findings about classes that a model could tell by a shortcut."""

from components.data_gate.checks.shortcuts import Shortcut, find_shortcuts
from components.data_gate.findings import Finding
from components.data_gate.statistics.differences import DISPLAYS
from trainer_module.contract.output_text.wording import quoted

#: Shortcuts of a kind that are described; the others are counted.
MAX_EXAMPLES = 2


def shortcut_findings(catalog_uri: str) -> list[Finding]:
    """Return a finding about each kind of shortcut, see `shortcuts`.

    Args:
        catalog_uri: URI of ingestion's `catalog` artifact.
    """
    shortcuts = find_shortcuts(catalog_uri)
    by_domain = [shortcut for shortcut in shortcuts if shortcut.domain is None]
    by_feature = [shortcut for shortcut in shortcuts if shortcut.domain is not None]
    findings = []
    if by_domain:
        text = (
            f"The domain alone tells a class from the others: {_join(by_domain)}. A model may "
            "learn the domain instead of the class, and no test here would show it: collect the "
            "class in other domains, too."
        )
        findings.append(Finding(kind="shortcut", severity="warning", text=text))
    if by_feature:
        text = (
            f"One number alone tells a class from the others: {_join(by_feature)}. If that comes "
            "from how the pictures were made, a model may learn it instead of the class."
        )
        findings.append(Finding(kind="shortcut", severity="warning", text=text))
    return findings


def _join(shortcuts: list[Shortcut]) -> str:
    """Return the first shortcuts as text, and the number of all others."""
    texts = [_describe(shortcut) for shortcut in shortcuts[:MAX_EXAMPLES]]
    more = len(shortcuts) - len(texts)
    return "; ".join(texts) + (f"; and {more:,} more" if more else "")


def _describe(shortcut: Shortcut) -> str:
    if isinstance(shortcut.value, tuple):
        names = ", ".join(quoted(name) for name in shortcut.value)
        return (
            f"{shortcut.share:.0%} of {quoted(shortcut.label)} are in {names}, "
            f"{shortcut.others:.0%} of the others"
        )
    display = DISPLAYS[shortcut.feature]
    share, others = shortcut.share, shortcut.others
    side, other_side = "of at most", "above"
    if share < others:
        share, others = 1 - share, 1 - others
        side, other_side = "above", "below"
    own = f"{'all' if share == 1 else f'{share:.0%} of'} {quoted(shortcut.label)}"
    limit = f"{shortcut.value * display.factor:.4g}{display.unit}"
    rest = f"all others {other_side}" if others == 0 else f"{others:.0%} of the others"
    return (
        f"{own} in domain {quoted(str(shortcut.domain))} have a {display.name} {side} {limit}, "
        f"{rest}"
    )
