"""The progress of a run on the terminal: which component runs, and how long each one took."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from pipeline.terminal.safe_console import plain

#: Columns for the id of a component.
NAME_WIDTH = 18


@dataclass
class ComponentResult:
    """How a component ended.

    Attributes:
        seconds: Wall-clock time; 0 until the component has ended.
        cached: Whether the outputs came from the cache. The code that launches the component
            sets it.
    """

    seconds: float = 0.0
    cached: bool = False


class ProgressDisplay:
    """Shows the running component and its messages, then one line for each finished component."""

    def __init__(self, console: Console) -> None:
        """Show nothing yet.

        Args:
            console: Console of the user. A spinner is drawn only where it is a terminal.
        """
        self.console = console
        self._spinner: Progress | None = None

    def title(self, text: str) -> None:
        """Print the first line, which says what runs."""
        text = f"[bold]carryover[/bold] {plain(text)}"
        self.console.print(text, highlight=False, soft_wrap=True)

    @contextlib.contextmanager
    def component(self, name: str) -> Iterator[ComponentResult]:
        """Show a component while the block runs, and a line with its time afterwards.

        Args:
            name: Id of the component, or the name of another step.

        Yields:
            The result. Its `seconds` are filled in when the block has ended without an error.
        """
        result = ComponentResult()
        start = time.perf_counter()
        try:
            with self._live(name):
                yield result
        except BaseException as error:
            what = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
            self._line("[red]x[/red]", name, f"{what} after {time.perf_counter() - start:.1f} s")
            raise
        result.seconds = time.perf_counter() - start
        took = "from cache" if result.cached else f"{result.seconds:.1f} s"
        self._line("[green]+[/green]", name, took)

    def message(self, text: str) -> None:
        """Show a message of the running component.

        A terminal shows the newest message beside the spinner. Elsewhere each message is a line.
        """
        if self._spinner:
            self._spinner.update(self._spinner.task_ids[0], description=plain(text))
        else:
            self.console.print(f"    {plain(text)}", highlight=False, soft_wrap=True)

    @contextlib.contextmanager
    def _live(self, name: str) -> Iterator[None]:
        """Draw a spinner and a clock while the block runs, if the console is a terminal."""
        if not self.console.is_terminal:
            yield
            return
        columns = (
            SpinnerColumn(),
            TextColumn("{task.fields[name]:<" + str(NAME_WIDTH) + "}"),
            TimeElapsedColumn(),
            TextColumn("{task.description}", style="dim"),
        )
        # Rich would print redirected output on the terminal, and it belongs into the log.
        with Progress(
            *columns,
            console=self.console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        ) as spinner:
            spinner.add_task("", name=name, total=None)
            self._spinner = spinner
            try:
                yield
            finally:
                self._spinner = None

    def _line(self, mark: str, name: str, text: str) -> None:
        line = f"{mark} {plain(name):<{NAME_WIDTH}} {plain(text)}"
        self.console.print(line, highlight=False, soft_wrap=True)
