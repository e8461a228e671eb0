"""Names of folders with characters that mean something in patterns, URIs, markup or shells."""

import os

#: Names that TensorFlow takes for a file pattern.
PATTERNS = ["runs [2024]", "a*b", "what?", "back\\slash", "[!x]"]

#: Names that work everywhere.
LITERAL = [
    "closed]",
    "100%s %(x)d",
    "#1",
    "~user",
    "two\nlines",
    "{0}{x}",
    "$HOME $(id)",
    "-dash",
    " spaces ",
    "'quotes\"",
    "&amp;<b>|`id`",
    "é中",
    "a:b@c,d;e",
    "n" * 255,
]

#: A name with a byte that is not UTF-8.
NOT_UTF8 = os.fsdecode(b"latin\xe9")
