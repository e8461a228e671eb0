"""Names that people take for one and the same."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable

from components.data_gate.findings import Finding
from components.data_gate.wording import listed, quoted


def name_findings(noun: str, names: Iterable[str]) -> list[Finding]:
    """Names that are equal but for case, spaces around them and how Unicode spells them.

    Args:
        noun: `class` or `domain`.
        names: all of them.
    """
    alike = defaultdict(list)
    for name in sorted(set(names)):
        alike[_plain(name)].append(name)
    groups = [" = ".join(map(quoted, group)) for group in alike.values() if len(group) > 1]
    if not groups:
        return []
    text = f"{noun} names that people take for one, but count as several: {listed(groups)}"
    return [Finding(kind="similar_names", severity="warning", text=f"{text}. Rename the folders")]


def _plain(name: str) -> str:
    """Compatibility form without case, see Unicode Standard Annex #15 and section 3.13 (D146)."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return unicodedata.normalize("NFKC", folded).strip()
