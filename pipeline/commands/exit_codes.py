"""Exit codes of the `carryover` command."""

EXIT_DONE = EXIT_PUSHED = 0
EXIT_FAILURE = 1
EXIT_BAD_INPUT = 2
EXIT_NOT_BLESSED = 3
