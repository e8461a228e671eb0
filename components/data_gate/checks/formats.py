"""What was changed about pictures, or ignored, when they were read."""

from collections import Counter

import pyarrow.compute as pc

from components.data_gate.findings import Finding
from components.data_gate.wording import counted
from components.image_example_gen.catalog import read_catalog

REWRITTEN = "rewritten"
COLOUR_PROFILE = "colour_profile"


def format_findings(catalog_uri: str) -> list[Finding]:
    """Pictures whose colour profile is ignored, and those that were stored in another format.

    Args:
        catalog_uri: of the `catalog` artifact; read part by part.
    """
    marked: Counter[str] = Counter()
    for table in read_catalog(catalog_uri, [REWRITTEN, COLOUR_PROFILE]):
        for name in table.column_names:
            marked[name] += pc.sum(table[name]).as_py() or 0
    texts = {
        COLOUR_PROFILE: "came with a colour profile, which is ignored, here as in serving",
        REWRITTEN: "stored as PNG, because TensorFlow does not read the original the same way",
    }
    return [
        Finding(
            kind=name, severity="information", text=f"{counted(marked[name], 'picture')} {text}"
        )
        for name, text in texts.items()
        if marked[name]
    ]
