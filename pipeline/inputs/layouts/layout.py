"""Layout of a folder of pictures: what the name of each level of folders means."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import NamedTuple

from pipeline.config.layout_pattern import ANY, AUTO, CLASS, DOMAIN, SPLIT, check_pattern
from pipeline.config.run_config import RunConfig, SplitOptions
from pipeline.inputs.layouts.missing_splits import Shares, share_out
from pipeline.inputs.layouts.split_names import split_in_name
from trainer_module.contract.errors import InputError

#: Reason for files that do not lie in the folders of a split; the names of splits follow.
NO_SPLIT = "not in a split folder"


@dataclass(frozen=True)
class LayoutOptions:
    """What the user says about the layout of a folder.

    Attributes:
        layout: `auto`, or a pattern, see `pipeline.config.layout_pattern.parse_pattern`.
        domain: Name of the domain of pictures in a layout without domains.
        split: Shares that a split without folders gets.
        is_batch: Whether `domain` is for batches without domains only, and others name theirs.
        data_option: Option that names the folder, for messages; "" where it is an argument.
    """

    layout: str = AUTO
    domain: str | None = None
    split: SplitOptions = field(default_factory=SplitOptions)
    is_batch: bool = False
    data_option: str = "--data"


def run_layout(config: RunConfig) -> LayoutOptions:
    """Return the options for the data of a run."""
    return LayoutOptions(config.layout, config.domain, config.split)


def batch_layout(config: RunConfig) -> LayoutOptions:
    """Return the options for the batches of an inbox, whose layout may differ from the data's."""
    return LayoutOptions(config.retrain.layout, config.domain, config.split, is_batch=True)


def layout_options(
    layout: str | None, domain: str | None, data_option: str = "--data"
) -> LayoutOptions:
    """Return the options of a command without a config.

    Args:
        layout: Value of `--layout`; None if it was not given.
        domain: Value of `--domain`; None if it was not given.
        data_option: Option that names the folder; "" where it is an argument.

    Raises:
        InputError: The layout is not a pattern.
    """
    try:
        pattern = check_pattern(layout or AUTO)
    except ValueError as error:
        raise InputError(f"--layout {error}. Received: {layout}") from None
    return LayoutOptions(pattern, domain, data_option=data_option)


class Placement(NamedTuple):
    """What the path of a file says about it.

    Attributes:
        domain: Name of the domain, or "" for an unusable path.
        label: Name of the class, or "" for an unusable path.
        split: Split that the folders name.
        reason: Reason why the path is unusable.
    """

    domain: str
    label: str
    split: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Layout:
    """What the levels of folders mean.

    Attributes:
        levels: Meaning of each level, from the top down, see
            `pipeline.config.layout_pattern.parse_pattern`. Deeper folders mean nothing.
        domain: Domain of all pictures, where no level names it.
        missing: Shares of the training pictures that become eval and test pictures, by split, for
            splits that have no folder.
        notes: Sentences that tell the user how doubtful names were read.
    """

    levels: tuple[str, ...]
    domain: str | None = None
    missing: Shares = ()
    notes: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Layout for messages, such as `<domain>/<class>/`."""
        return "".join("*/" if level == ANY else f"<{level}>/" for level in self.levels)

    def place(self, path: PurePath) -> Placement:
        """Return what a path says about its file.

        Args:
            path: Path of the file, relative to the root of the data.
        """
        folders = path.parts[: len(self.levels)]
        if len(path.parts) <= len(self.levels):
            return Placement("", "", reason=f"not in {self.text}")
        placed = self.place_folder(folders)
        if placed.split == "train" and self.missing:
            return placed._replace(split=share_out(path.as_posix(), self.missing))
        return placed

    def place_folder(self, folders: Sequence[str]) -> Placement:
        """Return what the names of folders say, one for each level."""
        names = dict(zip(self.levels, folders, strict=True))
        domain, label = names.get(DOMAIN, self.domain or ""), names[CLASS]
        if not _is_utf_8(domain) or not _is_utf_8(label):
            return Placement("", "", reason="domain or class is not named in UTF-8")
        if SPLIT not in names:
            return Placement(domain, label)
        split = split_in_name(names[SPLIT])
        if split is None:
            return Placement(domain, label, reason=f"{NO_SPLIT} (train, val or test)")
        return Placement(domain, label, split)


def _is_utf_8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


#: The documented layout.
DOMAIN_CLASS = Layout((DOMAIN, CLASS))
