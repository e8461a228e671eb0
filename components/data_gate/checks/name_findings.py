"""Findings about names of classes and domains that are easily confused."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable

from components.data_gate.findings import Finding
from trainer_module.contract.output_text.wording import listed, quoted


def name_findings(noun: str, names: Iterable[str]) -> list[Finding]:
    """Return a finding about names that differ only in case, spaces or Unicode form.

    Args:
        noun: `class` or `domain`.
        names: All names.
    """
    by_normalized = defaultdict(list)
    for name in sorted(set(names)):
        by_normalized[normalized_name(name)].append(name)
    groups = [" = ".join(map(quoted, group)) for group in by_normalized.values() if len(group) > 1]
    if not groups:
        return []
    text = (
        f"These {noun} names look the same but count as different: {listed(groups)}. "
        "Rename the folders."
    )
    return [Finding(kind="similar_names", severity="warning", text=text)]


def normalized_name(name: str) -> str:
    """Compatibility form without case, see Unicode Standard Annex #15 and section 3.13 (D146).

    Characters that nobody sees, such as a zero-width space, and further spaces are left out.
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    text = unicodedata.normalize("NFKC", folded)
    seen = "".join(character for character in text if unicodedata.category(character) != "Cf")
    return " ".join(seen.split())
