"""The picture statistics of every domain as a table for the terminal."""

from rich import box
from rich.table import Table

from pipeline.summary.domain_measures import CAPTION, HEADINGS, read_domain_measures
from pipeline.terminal.safe_console import plain


def domain_table(catalog_uri: str) -> Table:
    """Return a table with a row per domain: pictures, classes, medians of the picture statistics.

    Args:
        catalog_uri: URI of the `catalog` artifact of ImageExampleGen.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 0, 0, 1))
    table.add_column("domain", overflow="fold")
    for name in HEADINGS:
        table.add_column(name, justify="right", no_wrap=True)
    for row in read_domain_measures(catalog_uri):
        table.add_row(plain(row.domain), f"{row.pictures:,}", f"{row.classes:,}", *row.texts)
    table.caption = CAPTION
    table.caption_justify = "left"
    return table
