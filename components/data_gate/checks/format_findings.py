"""Findings about what ingestion changed or ignored when it read pictures."""

from collections import Counter

import pyarrow.compute as pc

from components.data_gate.findings import Finding
from components.data_gate.wording import counted
from components.image_example_gen.catalog import read_catalog

#: Columns of the catalog, and kinds of findings.
REWRITTEN = "rewritten"
COLOUR_PROFILE = "colour_profile"


def format_findings(catalog_uri: str) -> list[Finding]:
    """Return findings about ignored colour profiles and about pictures stored in another format.

    Args:
        catalog_uri: URI of ingestion's `catalog` artifact. It is read chunk by chunk.
    """
    pictures: Counter[str] = Counter()
    for table in read_catalog(catalog_uri, [REWRITTEN, COLOUR_PROFILE]):
        for name in table.column_names:
            pictures[name] += pc.sum(table[name]).as_py() or 0
    texts = {
        COLOUR_PROFILE: "Ignored the colour profile of {}, as serving does.",
        REWRITTEN: "Stored {} as PNG, because TensorFlow decodes the original differently.",
    }
    return [
        Finding(
            kind=name, severity="information", text=text.format(counted(pictures[name], "picture"))
        )
        for name, text in texts.items()
        if pictures[name]
    ]
