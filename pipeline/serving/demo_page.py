"""Web page on which to try a model: one HTML file that loads nothing from other servers."""

import base64
import hashlib
import html
from pathlib import Path

from starlette.responses import HTMLResponse, Response

_FILES = Path(__file__).with_name("page")


def render_demo_page(name: str) -> Response:
    """Return the page, with a policy that allows its own script and requests to this server only.

    Args:
        name: Name of the model.
    """
    template, style, script = (
        (_FILES / file).read_text(encoding="utf-8")
        for file in ("page.html", "style.css", "script.js")
    )
    # The name is inserted last, so that a placeholder in it stays text.
    filled = template.replace("{{style}}", style).replace("{{script}}", script)
    filled = filled.replace("{{name}}", html.escape(name))
    policy = (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        f"connect-src 'self'; img-src blob: data:; style-src {_hash_source(style)}; "
        f"script-src {_hash_source(script)}"
    )
    headers = {
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return HTMLResponse(filled, headers=headers)


def _hash_source(text: str) -> str:
    """Return the source expression of a Content Security Policy that allows an inline text."""
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
