"""Web page on which to try a model."""

from pathlib import Path

from starlette.responses import Response

from pipeline.web.page_response import page_response

_FILES = Path(__file__).with_name("page")


def render_demo_page(name: str) -> Response:
    """Return the page, see `page_response`.

    Args:
        name: Name of the model.
    """
    return page_response(_FILES, {"name": name}, image_sources="blob: data:")
