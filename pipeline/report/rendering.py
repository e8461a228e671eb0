"""Render Jinja templates to HTML pages. Every value is escaped, and its text is printable."""

import base64
import functools
import hashlib
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from trainer_module.contract.atomic_write import atomic_write
from trainer_module.contract.output_text.wording import counted
from trainer_module.contract.printable_names import printable_lines


def write_page(path: Path, template: str, **values: Any) -> Path:
    """Render a page and write it atomically.

    Args:
        path: File to write.
        template: Name of a template in `templates/`.
        **values: Variables of the template; all that it uses must be given.

    Returns:
        The path.
    """
    text = _environment().get_template(template).render(**values)
    # File names that are not UTF-8 hold surrogates, which cannot be encoded.
    return atomic_write(path, text.encode("utf-8", "replace"))


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("pipeline.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        share=_format_share,
        change=_format_change,
        count=_format_count,
        counted=counted,
        seconds=_format_seconds,
    )
    script = environment.get_template("page.js").render()
    digest = hashlib.sha256(script.encode()).digest()
    # The content security policy names this hash, so the browser runs no other script.
    environment.globals.update(
        script=Markup(script),  # noqa: S704 (page.js is trusted text without any values)
        script_hash=base64.b64encode(digest).decode(),
    )
    return environment


def _printable(value: Any) -> Any:
    """Escape what is not printable in a text, such as what would reorder the words of a page."""
    is_text = isinstance(value, str) and not isinstance(value, Markup)
    return printable_lines(value) if is_text else value


def _format_share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _format_change(value: float | None) -> str:
    """Format a difference with its sign, and with a typographic minus."""
    return "-" if value is None else f"{value:+.3f}".replace("-", "\u2212")


def _format_count(value: int) -> str:
    return f"{value:,}"


def _format_seconds(value: float) -> str:
    return f"{value:,.1f} s"
