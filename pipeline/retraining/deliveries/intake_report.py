"""What became of the deliveries in an inbox, on the console and as events."""

from collections.abc import Callable, Iterable
from pathlib import Path

from pipeline.retraining.deliveries.delivery_intake import IntakeResult
from pipeline.retraining.deliveries.left_alone_files import (
    MAX_NAMES,
    NO_DELIVERY,
    LeftAloneFiles,
    describe_left_alone,
)
from pipeline.retraining.notices import Notices


class IntakeReport:
    """Tells what became of deliveries, and which files are none."""

    def __init__(
        self, print_text: Callable[[str], None], notices: Notices, left_alone: LeftAloneFiles
    ) -> None:
        """Name the receivers.

        Args:
            print_text: Function that prints a text for people.
            notices: Receivers of events.
            left_alone: Files in the inbox that are no deliveries.
        """
        self._print = print_text
        self._notices = notices
        self._left_alone = left_alone

    def tell(self, results: Iterable[IntakeResult]) -> bool:
        """Tell what became of deliveries; return whether there was anything to tell.

        Args:
            results: What became of each; it is told before the next one is taken.
        """
        is_told = False
        for result in results:
            is_told = True
            if result.text:
                self._print(f"{result.name}: {result.text}")
            for event in result.events:
                self._notices.send(event, **result.event_values())
        return is_told

    def tell_left_alone(self, inbox: Path) -> bool:
        """Tell the files that are new and no deliveries; return whether there are any.

        Args:
            inbox: Path of the inbox.
        """
        names = self._left_alone.find_new(inbox)
        for line in describe_left_alone(names):
            self._print(line)
        if names:
            self._notices.send(
                "left_alone", files=names[:MAX_NAMES], count=len(names), reason=NO_DELIVERY
            )
        return bool(names)
