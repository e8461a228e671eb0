"""Checks of the paths in a config that need this machine's files; a compiled config has none."""

import os
import stat
from pathlib import Path

from pipeline.config.run_config import RunConfig
from pipeline.terminal.shell_word import shell_word
from trainer_module.backbones.saved_network import is_saved_network, read_saved_network
from trainer_module.contract.errors import InputError
from trainer_module.contract.locations import is_uri
from trainer_module.contract.output_text.credentials import masked_text
from trainer_module.contract.printable_names import printable_name
from trainer_module.training_options import NAMED_WEIGHTS

#: Characters with which TensorFlow and TFX take a path for a file pattern. They cannot be escaped:
#: TensorFlow finds no variables of a SavedModel in such a folder.
PATTERN_CHARACTERS = "[*?\\"

#: Length of the longest name of a file or folder, in bytes, on nearly all file systems.
MAX_NAME = 255

#: What is wrong with a folder that is missing.
MISSING = "does not exist"

#: What is wrong with a file in place of a folder.
NO_FOLDER = "is a file, no folder"

RENAME_WORKSPACE = "Rename the folder, or give another workspace with --workspace DIR."


def folder_problem(path: str | Path) -> str:
    """Return why a path is no folder that can be looked at; "" for a folder.

    Unlike `Path.is_dir`, this does not raise where a folder above it may not be entered.

    Args:
        path: Path that the user has given.
    """
    try:
        is_folder = stat.S_ISDIR(Path(path).stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return MISSING
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    except ValueError as error:  # a null byte
        return f"cannot be read: {error}"
    return "" if is_folder else NO_FOLDER


def inbox_remedy(inbox: Path, problem: str, option: str = " with --inbox DIR") -> str:
    """Return what to do about an inbox that cannot be used, one sentence.

    Args:
        inbox: Path that the user has given.
        problem: What `folder_problem` returns for it.
        option: Option that names the inbox, as the end of the sentence.
    """
    give = f"the folder in which batches arrive{option}."
    folder = _folder_to_create(inbox) if problem == MISSING else ""
    if not folder:
        return f"Give {give}"
    return f"Create it (mkdir -p {shell_word(folder)}), mount its disk, or give {give}"


def _folder_to_create(path: Path) -> str:
    """Return the folder that `mkdir -p` creates to make a path a folder; "" if a file is above it.

    For a path that goes through a link to nothing, that is the folder that the link is to.
    """
    existing = _nearest_existing(path)
    if existing and existing.is_symlink() and not existing.is_dir():
        path = Path(os.path.realpath(path))  # a loop stays a link
        existing = _nearest_existing(path)
    return str(path) if existing and existing.is_dir() else ""


def _nearest_existing(path: Path) -> Path | None:
    """Return the path, or the lowest folder above it that exists; None without a current folder."""
    return next((one for one in (path, *path.parents) if os.path.lexists(one)), None)


def check_workspace(workspace: Path, remedy: str = RENAME_WORKSPACE) -> None:
    """Refuse a workspace whose path TensorFlow takes for a file pattern, or cannot encode.

    Args:
        workspace: Absolute path of the workspace.
        remedy: Sentence that tells the user what to do.

    Raises:
        InputError: The path holds one of `PATTERN_CHARACTERS`, bytes that are not UTF-8, or a name
            that is too long.
    """
    check_no_pattern("workspace", str(workspace), remedy)
    check_encodable("workspace", str(workspace), remedy)


def check_data(config: RunConfig) -> None:
    """Refuse data whose path cannot be recorded. The names of pictures may be any.

    Args:
        config: Config of a run, with absolute paths.

    Raises:
        InputError: The path holds bytes that are not UTF-8, a name that is too long, or a
            credential, which listings and versions would keep.
    """
    check_encodable("data", config.data, "Rename it, and give its new path with --data.")
    if is_uri(config.data) and masked_text(config.data) != config.data:
        raise InputError(
            f"config key 'data': the URI {config.data} holds a credential, which would be kept "
            "with every version. Leave it out, and give it to the library of the file system, for "
            "example in a variable of the environment."
        )


def check_no_pattern(what: str, path: str, remedy: str) -> None:
    """Refuse a path or URI that TensorFlow takes for a file pattern.

    Args:
        what: Name of the path in the message.
        path: Path or URI of a folder in which artifacts or models are written.
        remedy: Sentence that tells the user what to do.

    Raises:
        InputError: The path holds one of `PATTERN_CHARACTERS`.
    """
    found = next((char for char in path if char in PATTERN_CHARACTERS), None)
    if found:
        raise InputError(
            f"{what} {printable_name(path)}: its path holds the character {found} and TensorFlow "
            f"takes it for a file pattern. {remedy}"
        )


def check_encodable(what: str, path: str, remedy: str) -> None:
    """Refuse a path that is not UTF-8, or that no file system can hold.

    Args:
        what: Name of the path in the message.
        path: Path or URI.
        remedy: Sentence that tells the user what to do.

    Raises:
        InputError: The path holds bytes that are not UTF-8, or a name that is too long.
    """
    where = f"{what} {printable_name(path)}: its path holds"
    try:
        longest = max(len(name.encode()) for name in path.split("/"))
    except UnicodeEncodeError as error:
        byte = os.fsencode(error.object[error.start])[0]
        raise InputError(f"{where} the byte {byte:#04x}, which is not UTF-8. {remedy}") from None
    if longest > MAX_NAME and not is_uri(path):
        raise InputError(
            f"{where} a name of {longest} bytes; a file system allows {MAX_NAME}. {remedy}"
        )


def check_weights(config: RunConfig) -> None:
    """Refuse a backbone whose files are missing, damaged or do not fit; download a preset.

    Args:
        config: Config of a run.

    Raises:
        InputError: `backbone.weights` names no file, or `backbone.name` names files that are not
            there, that are no backbone or that need another image size.
    """
    backbone = config.backbone
    if is_saved_network(backbone.name):
        try:
            network = read_saved_network(backbone.name, backbone.scaling, backbone.download)
            network.check_image_size(config.image_size)
        except InputError as error:
            raise InputError(f"config key 'backbone.name': {error}") from None
    weights = config.backbone.weights
    if weights not in NAMED_WEIGHTS and not Path(weights).is_file():
        problem = "is a folder" if Path(weights).is_dir() else "does not exist"
        raise InputError(
            f"config key 'backbone.weights': {weights} {problem}. Give imagenet, none, or the path "
            "of a weights file."
        )


def check_inbox(config: RunConfig) -> None:
    """Refuse an inbox whose batches would be read as something else.

    Args:
        config: Config of a run, with absolute paths.

    Raises:
        InputError: The inbox overlaps with the workspace, or is the data folder or inside it.
    """
    inbox = config.retrain.inbox
    if inbox is None:
        return
    problem = ""
    if inbox == config.workspace:
        problem = "is the workspace, too"
    elif inbox.is_relative_to(config.workspace):
        problem = f"is inside the workspace {config.workspace}"
    elif config.workspace.is_relative_to(inbox):
        problem = f"holds the workspace {config.workspace}, which would be taken for a batch"
    elif not is_uri(config.data) and inbox.is_relative_to(config.data):
        place = "is" if inbox == Path(config.data) else "is inside"
        problem = f"{place} the data folder {config.data}, which a run reads as one data set"
    if problem:
        raise InputError(
            f"config key 'retrain.inbox': {inbox} {problem}. Give a folder of its own with "
            "--inbox DIR."
        )


def check_outside_data(config: RunConfig) -> None:
    """Refuse a workspace that is the data folder or inside it.

    Args:
        config: Config of a run, with absolute paths.

    Raises:
        InputError: The workspace is the data folder or inside it.
    """
    if config.workspace.is_relative_to(config.data):
        place = "is" if config.workspace == Path(config.data) else "is inside"
        raise InputError(
            f"workspace {config.workspace} {place} the data folder {config.data}, where its "
            "files would be read as pictures. Give another one with --workspace DIR."
        )
