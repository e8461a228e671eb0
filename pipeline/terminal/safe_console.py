"""Rich's console, on which no name can colour, move or forge anything."""

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.segment import Segment

from trainer_module.contract.printable_names import printable_lines, printable_name


class SafeConsole(Console):
    """Console whose texts are printable; Rich's own codes for colours and movements are kept."""

    def __init__(self, **options: object) -> None:
        """See `Console`. A name such as `:cat:` is no emoji."""
        super().__init__(emoji=False, **options)  # type: ignore[arg-type]  # passed on as they are

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """See `Console.render`."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else printable_lines(text), style, control)


def plain(text: object) -> str:
    """Return markup for Rich that prints a name or a message on one line, see `printable_name`."""
    return escape(printable_name(str(text)))
