"""Log files: where the output of libraries and the tracebacks of errors are kept."""

#: Parent of our own loggers. Their messages at level INFO are for the user as well.
OUR_LOGGER = "carryover"

#: Logger of what the gate and the Pusher decided, which the summary of a run tells the user.
VERDICT_LOGGER = f"{OUR_LOGGER}.verdict"
