"""How a user says what a layout is: by options of a command, or by config keys for a batch."""

import shlex
from dataclasses import dataclass


@dataclass(frozen=True)
class LayoutRemedies:
    """Words for what a user can do, for messages.

    Attributes:
        is_batch: Whether the folder is a batch. `carryover retrain` and `watch` have no options for
            layouts, and a batch that was held is taken again when it is delivered again.
        data_option: Option that names the folder; "" where it is an argument.
    """

    is_batch: bool = False
    data_option: str = "--data"

    def layout(self, pattern: str) -> str:
        """Return the option for a layout.

        Args:
            pattern: Pattern, or a word in its place.
        """
        if self.is_batch:
            return f"--set {shlex.quote(f'retrain.layout={pattern}')}"
        return f"--layout {shlex.quote(pattern)}"

    @property
    def domain(self) -> str:
        """The option for the domain of pictures whose folders do not name it."""
        return "--set domain=NAME" if self.is_batch else "--domain NAME"

    @property
    def domain_key(self) -> str:
        """The same, with the config key."""
        return self.domain if self.is_batch else "--domain NAME (config key domain)"

    @property
    def with_domain(self) -> str:
        """The same, behind a folder."""
        return f"with {self.domain}" if self.is_batch else self.domain

    def folder_or_layout(self, folder: str, layouts: str) -> str:
        """Return what to do where a folder below may be the one that is meant.

        Args:
            folder: Path of that folder, quoted for a shell, with further options; "" without one.
            layouts: Options for layouts.
        """
        if not folder:
            return f"Give {layouts}"
        if self.is_batch:
            return f"Deliver {folder} in its place, or give {layouts}"
        return f"Give {f'{self.data_option} {folder}'.strip()}, or {layouts}"

    @property
    def sort(self) -> str:
        """What to do where no option helps."""
        give = "deliver" if self.is_batch else "give"
        return (
            f"Sort the pictures into <domain>/<class>/<picture>, or {give} a manifest (CSV, "
            "Parquet)"
        )

    @property
    def end(self) -> str:
        """What the sentences end with."""
        return ", and deliver the batch again" if self.is_batch else ""
