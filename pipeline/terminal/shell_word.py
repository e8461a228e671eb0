"""Paths as words of a command that a person copies."""

import shlex


def path_argument(path: str) -> str:
    """Return a path that no command takes for an option.

    Args:
        path: Path of a file or a folder; its name may begin with a dash.

    Example:
        >>> from pipeline.terminal.shell_word import path_argument
        >>> path_argument("-x"), path_argument("a/-x")
        ('./-x', 'a/-x')
    """
    return f"./{path}" if path.startswith("-") else path


def shell_word(path: str) -> str:
    """Return a path that is quoted for a shell, on one line.

    Args:
        path: Path of a file or a folder.
    """
    return shlex.quote(path_argument(path)) if path.isprintable() else repr(path)
