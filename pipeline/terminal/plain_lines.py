"""Lines of text for people, and lines of JSON for programs. Imports nothing that is slow."""

import json
import sys
from typing import Any

from trainer_module.contract.printable_names import printable_name


def print_line(text: object, to_stderr: bool = False) -> None:
    """Print a message on one line, whatever names are in it."""
    print(printable_name(str(text)), file=sys.stderr if to_stderr else sys.stdout, flush=True)


def json_line(values: Any, sort_keys: bool = False) -> str:
    """Return JSON in printable ASCII, with everything else as escapes of JSON: the data are exact.

    Args:
        values: JSON-ready values.
        sort_keys: Whether to sort the keys.
    """
    return json.dumps(values, sort_keys=sort_keys).replace("\x7f", "\\u007f")
