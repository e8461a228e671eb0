"""`carryover select`: choose the pictures whose labels help the serving model most."""

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.progress import Progress
from rich.table import Table

from components.pusher.version_store import VersionStore
from pipeline.config.path_check import check_encodable, check_workspace
from pipeline.picture_selection.output_draft import draft_of
from pipeline.retraining.deliveries.batch_name_check import check_batch_name
from pipeline.retraining.ledger import read_batches
from pipeline.retraining.retraining_commands import read_config
from pipeline.retraining.unlabelled.label_commands import (
    command_line,
    label_command,
    name_option,
)
from pipeline.selecting.inbox_pictures import find_delivered, known_contents
from pipeline.selecting.labelled_files import read_labelled
from pipeline.selecting.unlabelled_pictures import FoundPictures, find_unlabelled
from pipeline.tensorflow_import import import_tensorflow_quietly
from pipeline.terminal.plain_lines import print_line
from pipeline.terminal.safe_console import SafeConsole, plain
from pipeline.terminal.table_printing import print_table
from pipeline.version_lookup import find_store, serving_version
from trainer_module.contract.errors import InputError
from trainer_module.contract.output_text.wording import counted, counted_are
from trainer_module.contract.printable_names import shortened
from trainer_module.export.model_description import read_description

if TYPE_CHECKING:
    from pipeline.picture_selection.picture_features import PictureFeatures
    from pipeline.picture_selection.selection import Selection

#: What is said of pictures that need no label, see `known_contents`.
KNOWN = "whose label the serving version or a batch knows"

#: Most unusable files that are named.
MAX_NAMED = 20


@dataclass(frozen=True)
class PictureSource:
    """Where unlabelled pictures are looked for: exactly one of `inbox` and `data` is given.

    Attributes:
        inbox: Folder in which batches arrive; those that were taken are looked through, too.
        data: Folder or manifest.
        domain: Domain of all pictures of `data`; None where folders name it.
        batch: Name of the only batch to look through; None for all batches.
    """

    inbox: Path | None = None
    data: Path | None = None
    domain: str | None = None
    batch: str | None = None

    def check(self, output: Path, workspace: Path) -> None:
        """Check that the options fit together, and that the output is no input, too.

        Args:
            output: Resolved path of the output folder.
            workspace: Resolved path of the workspace.

        Raises:
            InputError: They do not.
        """
        if (self.inbox is None) == (self.data is None):
            raise InputError("give either --inbox DIR or --data DIR.")
        if self.domain is not None and self.data is None:
            raise InputError("--domain is for --data: batches name their domains. Leave it out.")
        if self.batch is not None and self.inbox is None:
            raise InputError("--batch names a batch of --inbox. Leave it out with --data.")
        for option, path in (("--inbox", self.inbox), ("--data", self.data)):
            if path is not None and output.is_relative_to(os.path.realpath(path)):
                raise InputError(
                    f"--output {output} is in the folder of {option}, where its pictures would be "
                    "read again. Name another folder."
                )
        if output.is_relative_to(workspace):
            raise InputError(f"--output {output} is in the workspace. Name another folder.")


def select_for_labelling(
    workspace: Path, name: str | None, source: PictureSource, count: int, output: Path, seed: int
) -> None:
    """Choose unlabelled pictures, copy them to a folder, and print how many of every domain.

    Args:
        workspace: Folder of the workspace.
        name: Name of the model, see `find_store`.
        source: Where to look for pictures.
        count: Number of pictures to choose; all are taken where there are fewer.
        output: Folder to write, which must not exist or be empty.
        seed: Seed of the choice.

    Raises:
        InputError: There is no serving version or no unlabelled picture, the output is not empty,
            or the options do not fit together.
    """
    store = find_store(workspace, name)
    check_workspace(store.root)
    version = serving_version(store)
    output = Path(os.path.realpath(output))
    source.check(output, store.root)
    check_batch_name(output)
    _check_empty(output)
    model = store.path(version)
    if source.data is not None:
        max_file_bytes = None
        found = find_unlabelled(source.data, source.domain)
    else:
        config = read_config(workspace, name, None, [], source.inbox)
        max_file_bytes = config.max_file_bytes
        found = find_delivered(config, source.batch)
    _check_any(found, len(found.pictures))
    import_tensorflow_quietly()
    features = _read_features(found, model, max_file_bytes)
    _check_any(found, len(features.pictures), features.num_known)

    from pipeline.picture_selection.selection import select_pictures
    from pipeline.picture_selection.selection_files import write_selection

    selection = select_pictures(features, count, seed)
    labels = read_description(str(model))["labels"]
    try:
        with draft_of(output) as draft:
            folders = write_selection(
                selection.choices, labels, f"{store.name} {version}", draft, output
            )
    except OSError as error:
        raise InputError(f"--output {output}: {error.strerror}. Name another folder.") from None
    _show(found, features, selection, count, output)
    _show_renamed(folders)
    print_line(f"To label them: {_label_command(source, output, store)}")


def _label_command(source: PictureSource, output: Path, store: VersionStore) -> str:
    """Return the command that labels the chosen pictures; those of an inbox, into that inbox."""
    if source.inbox is not None:
        # Pictures without a label are in the inbox already.
        batch = Path(os.path.realpath(source.inbox)) / (source.batch or output.name)
        taken = {one.name for one in read_batches(store.root)}
        return label_command(str(output), str(batch), store.root, taken, store.name)
    model = ("--classes-from", str(store.root), *name_option(store.root, store.name))
    return command_line("label", str(output), *model)


def _check_empty(output: Path) -> None:
    """Refuse an output folder that holds something, or cannot be one."""
    check_encodable("--output", str(output), "Name another folder.")
    try:
        is_free = not output.is_symlink() and not output.exists()  # a resolved link is a loop
        if is_free or (output.is_dir() and not any(output.iterdir())):
            return
    except OSError as error:
        raise InputError(f"--output {output}: {error.strerror}. Name another folder.") from None
    raise InputError(f"--output {output} is not empty. Remove it, or name another folder.")


def _check_any(found: FoundPictures, count: int, num_known: int = 0) -> None:
    """Raise an `InputError` if no picture can be chosen."""
    if count:
        return
    reasons = [f"{counted(found.num_labelled, 'picture')} with a label"]
    if num_known:
        reasons.append(f"{counted(num_known, 'picture')} {KNOWN}")
    if found.unusable:
        name, reason = found.unusable[0]
        reasons.append(f"{counted(len(found.unusable), 'unusable file')}, such as {name}: {reason}")
    raise InputError(
        f"there is no unlabelled picture to choose ({'; '.join([*reasons, *found.notes])}). Put "
        "other unlabelled pictures into <domain>/_unlabelled/."
    )


def _read_features(
    found: FoundPictures, model: Path, max_file_bytes: int | None
) -> "PictureFeatures":
    """Read all pictures; on a terminal, show how many are done."""
    from pipeline.picture_selection.picture_features import read_features

    console = SafeConsole(stderr=True)
    pictures = sorted(found.pictures, key=lambda picture: (picture.domain, picture.name))
    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task("reading", total=len(pictures))
        features = read_features(
            pictures,
            model,
            known_contents(model, found) | read_labelled(found, max_file_bytes),
            max_file_bytes,
            lambda number: progress.advance(task, number),
        )
    found.unusable += features.unusable
    return features


def _describe_unusable(unusable: list[tuple[str, str]]) -> list[str]:
    """Return lines with the number of unusable files, and the first of them."""
    if not unusable:
        return []
    lines = [f"Left out: {counted(len(unusable), 'unusable file')}:"]
    lines += [f"  {name}: {reason}" for name, reason in unusable[:MAX_NAMED]]
    num_others = len(unusable) - MAX_NAMED
    return [*lines, f"  and {num_others:,} more"] if num_others > 0 else lines


def _show_renamed(folders: dict[str, str]) -> None:
    """Print a line for every domain whose folder has another name."""
    console = SafeConsole()
    for domain, folder in folders.items():
        if folder == domain:
            continue
        text = (
            f"Domain {shortened(domain)} is in the folder {folder}, as no folder of pictures can "
            "have its name. The file sidecar.csv names the domain."
        )
        console.print(plain(text), highlight=False, soft_wrap=True)


def _show(
    found: FoundPictures,
    features: "PictureFeatures",
    selection: "Selection",
    count: int,
    output: Path,
) -> None:
    """Print what was left out, and the number of chosen pictures of every domain."""
    console = SafeConsole()

    def say(text: str) -> None:
        console.print(plain(text), highlight=False, soft_wrap=True)

    for note in found.notes:
        say(note)
    left_out = {
        "with a label": found.num_labelled,
        KNOWN: features.num_known,
        "with the content of another one": features.num_copies,
        f"that look{'s' if selection.num_lookalikes == 1 else ''} like another one": (
            selection.num_lookalikes
        ),
    }
    for what, number in left_out.items():
        if number:
            say(f"Left out: {counted(number, 'picture')} {what}.")
    for line in _describe_unusable(found.unusable):
        say(line)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("domain", overflow="fold")
    for heading in ("unlabelled", "diverse", "random"):
        table.add_column(heading, justify="right", no_wrap=True)
    chosen = Counter((choice.picture.domain, choice.why) for choice in selection.choices)
    for domain, number in sorted(selection.num_candidates.items()):
        values = (number, chosen[domain, "diverse"], chosen[domain, "random"])
        table.add_row(plain(domain), *(f"{value:,}" for value in values))
    print_table(console, table)
    total = len(selection.choices)
    if total < count:
        taken = counted_are(total, "picture")
        say(f"There are fewer pictures than --count {count:,}: {taken} taken.")
    say(f"{counted(total, 'picture')} to label: {output}")
