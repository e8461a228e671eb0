"""The page on which a person tries a model: one HTML file that needs nothing from elsewhere."""

import base64
import hashlib
import html
from pathlib import Path

from starlette.responses import HTMLResponse, Response

_FILES = Path(__file__).with_name("page")


def render_page(name: str) -> Response:
    """The page, with a policy that lets it run its own script and talk to this server alone.

    Args:
        name: of the model.
    """
    template, style, script = (
        (_FILES / file).read_text(encoding="utf-8")
        for file in ("page.html", "style.css", "script.js")
    )
    # The name comes last: what is in it is never taken for a placeholder.
    filled = template.replace("{{style}}", style).replace("{{script}}", script)
    filled = filled.replace("{{name}}", html.escape(name))
    policy = (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        f"connect-src 'self'; img-src blob: data:; style-src {_allowed(style)}; "
        f"script-src {_allowed(script)}"
    )
    headers = {
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return HTMLResponse(filled, headers=headers)


def _allowed(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
