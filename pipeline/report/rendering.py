"""Turns templates and values into a page. Every value is escaped."""

import base64
import functools
import hashlib
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup


def write_page(path: Path, template: str, **values: Any) -> Path:
    """Render a page and write it, whole or not at all.

    Args:
        path: of the page.
        template: its name.
        values: that the template shows.
    """
    text = _environment().get_template(template).render(**values)
    unfinished = path.with_name(f"{path.name}.part")
    # What is no UTF-8 in a name cannot be shown.
    unfinished.write_bytes(text.encode("utf-8", "replace"))
    return unfinished.rename(path)


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("pipeline.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(share=_share, change=_change, count=_count, seconds=_seconds)
    script = environment.get_template("page.js").render()
    digest = hashlib.sha256(script.encode()).digest()
    # The browser runs this script and no other, whatever the page shows.
    environment.globals.update(
        script=Markup(script),  # noqa: S704 (our own text)
        script_hash=base64.b64encode(digest).decode(),
    )
    return environment


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _change(value: float | None) -> str:
    return "-" if value is None else f"{value:+.3f}".replace("-", "\u2212")


def _count(value: int) -> str:
    return f"{value:,}"


def _seconds(value: float) -> str:
    return f"{value:,.1f} s"
