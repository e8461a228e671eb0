"""Names that try to colour, move or forge what is printed, and a check that they did not."""

import os

#: Colours a terminal and sets its title, begins a line of its own, moves the cursor, reorders
#: letters, hides some, and is markup of Rich. A file may have this name.
HOSTILE = (
    "x\x1b[31m\x1b]0;owned\x07\ncarryover: forged\r\x9b2J\u202elrev\u2066\u200b\x7f\t\x85\u2028"
    "[red][link=x]"
)

#: The same, and bytes that are not UTF-8.
NOT_UTF8_EITHER = HOSTILE + os.fsdecode(b"\xff")

#: How the name is shown.
SHOWN = (
    r"x\x1b[31m\x1b]0;owned\x07\ncarryover: forged\r\x9b2J\u202elrev\u2066\u200b\x7f\t\x85\u2028"
    "[red][link=x]"
)


def unprintable(text: str) -> list[str]:
    """Return what is not printable in a text, but for line ends, and the lines that it forges."""
    found = [ascii(char) for char in text if not char.isprintable() and char != "\n"]
    return found + [line for line in text.split("\n") if line.startswith("carryover: forged")]
