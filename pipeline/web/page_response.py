"""Pages that are one HTML file, and load nothing from other servers."""

import base64
import hashlib
import html
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from starlette.responses import HTMLResponse, Response

_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")


def page_response(
    folder: Path,
    texts: Mapping[str, str],
    image_sources: str,
    scripts: Sequence[str] = ("script.js",),
) -> Response:
    """Return a page, with a policy that allows its own script and requests to this server only.

    Args:
        folder: Folder with `page.html`, `style.css` and the scripts. In the HTML, `{{style}}`,
            `{{script}}` and the names of texts stand for what is inserted.
        texts: Texts to insert by name; what HTML would interpret in them is escaped.
        image_sources: Sources of pictures, as in a Content Security Policy.
        scripts: Names of the scripts, which become one, in this order.
    """
    template, style, *parts = (
        (folder / file).read_text(encoding="utf-8") for file in ("page.html", "style.css", *scripts)
    )
    script = "".join(parts)
    values = {name: html.escape(text) for name, text in texts.items()}
    values |= {"style": style, "script": script}
    # In one pass, so that a placeholder in a text stays text.
    filled = _PLACEHOLDER.sub(lambda found: values[found[1]], template)
    policy = (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        f"connect-src 'self'; img-src {image_sources}; style-src {_hash_source(style)}; "
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
