"""`carryover bundle`: one reproducible tar of a version, for sites without a network.

Unpacked, it is a small workspace: `carryover serve`, `predict` and `versions`, and TensorFlow
Serving, work on it.
"""

import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.config.output_check import prepare_output_folder
from pipeline.config.parsing.yaml_parser import dump_yaml
from pipeline.publishing.model_card import model_card
from pipeline.publishing.reproducible_tar import write_tar
from pipeline.publishing.served_version import ServedVersion, read_served_version
from pipeline.report.run_report import FILE as REPORT_FILE
from pipeline.terminal.plain_lines import print_line
from pipeline.version_lookup import find_store
from trainer_module.contract.atomic_write import DRAFT_SUFFIX, Draft
from trainer_module.contract.errors import InputError, UnavailableError
from trainer_module.contract.file_digest import file_digest
from trainer_module.contract.model_assets import PUSH_RECORD
from trainer_module.contract.output_text.credentials import masked_settings
from trainer_module.contract.output_text.wording import listed

#: Model card, in the folder of the bundle.
CARD = "MODEL_CARD.md"

#: Files of the run in a bundle; the report can be left out.
RUN_FILES = ("config.yaml", "summary.json", REPORT_FILE)


@dataclass(frozen=True)
class Bundle:
    """Archive of a version.

    Attributes:
        path: Path of the archive.
        digest: Its SHA-256 in hex.
        missing: Files of the run that were removed, so that the bundle is without them.
    """

    path: Path
    digest: str
    missing: list[str]


def bundle(
    workspace: Path,
    name: str | None,
    number: int | None,
    output: Path | None,
    with_report: bool = True,
    force: bool = False,
) -> None:
    """Write the bundle of a version, and print its path and its SHA-256.

    Args:
        workspace: Folder of the workspace.
        name: Name of the model, see `find_store`.
        number: Number of the version; None for the serving version.
        output: Folder for the bundle; None for one in the workspace.
        with_report: Whether the report of the run is in it, with its thumbnails.
        force: Whether to replace another file of this name.

    Raises:
        InputError: See `read_served_version` and `write_bundle`.
    """
    version = read_served_version(find_store(workspace, name), number)
    folder = output or version.workspace.exports(version.name, version.number)
    prepare_output_folder(folder)
    written = write_bundle(version, folder, with_report, force)
    print_line(f"Bundle of version {version.number}: {written.path}")
    print_line(f"SHA-256: {written.digest}")
    if written.missing:
        print_line(
            f"carryover: {version.run_folder} has no {listed(written.missing)}, so the bundle is "
            "without.",
            to_stderr=True,
        )


def write_bundle(
    version: ServedVersion, folder: Path, with_report: bool = True, force: bool = False
) -> Bundle:
    """Write the bundle of a version. It appears complete, and one that is the same is left alone.

    Args:
        version: Version in the serving directory.
        folder: Existing folder for the bundle.
        with_report: Whether the report of the run is in it.
        force: Whether to replace another file of this name.

    Raises:
        InputError: Another file of this name is there, and is not to be replaced.
        UnavailableError: A file of the version or its run cannot be read, or the disk of the bundle
            is full or fails. Nothing is left there.
    """
    root = f"{version.name}-{version.number}"
    path = bundle_path(folder, version.name, version.number)
    files = dict(_files(version, with_report))
    wanted = [one for one in RUN_FILES if with_report or one != REPORT_FILE]
    missing = [one for one in wanted if _run_file(version, one) not in files]
    try:
        with Draft(path.with_name(f"{path.name}{DRAFT_SUFFIX}")) as draft:
            digest = write_tar(draft.file, root, files)
            if not path.exists() or _is_replaced(path, digest, force):
                draft.rename(path)
    except OSError as error:
        raise UnavailableError(
            f"{path} cannot be written: {error.strerror}. Free some space, or give a folder on "
            "another disk with --output."
        ) from None
    return Bundle(path, digest, missing)


def bundle_path(folder: Path, name: str, number: int) -> Path:
    """Return the path of a bundle.

    Args:
        folder: Folder of the bundle.
        name: Name of the model.
        number: Number of the version.
    """
    return folder / f"{name}-{number}.tar"


def is_bundle_of(path: Path, version: ServedVersion) -> bool:
    """Return whether a file is a bundle of the same push, perhaps with an earlier report.

    Args:
        path: Existing file.
        version: Version in the serving directory.
    """
    record = f"serving/{version.name}/{version.number}/{PUSH_RECORD}"
    try:
        with tarfile.open(path, "r:") as archive:
            file = archive.extractfile(f"{version.name}-{version.number}/{record}")
            push = json.loads(file.read()) if file else {}
    except (OSError, tarfile.TarError, KeyError, ValueError):
        return False
    wanted = {"run_id": version.push.run_id, "digest": version.push.digest}
    return isinstance(push, dict) and wanted == {key: push.get(key) for key in wanted}


def _is_replaced(path: Path, digest: str, force: bool) -> bool:
    """Return whether a file that is there differs from the bundle, and is to be replaced.

    Raises:
        InputError: It differs, and is not to be replaced.
    """
    if file_digest(path) == digest:
        return False
    if not force:
        raise InputError(
            f"{path} exists already, and is not this bundle. Its report may have been written "
            "again since. Replace it with --force, or name another folder with --output."
        )
    return True


def _files(version: ServedVersion, with_report: bool) -> Iterator[tuple[str, Path | bytes]]:
    """Yield the files of a bundle: path in its folder, and path or content."""
    yield CARD, model_card(version).encode("utf-8", "backslashreplace")
    serving = f"serving/{version.name}/{version.number}"
    for name in version.files():
        yield f"{serving}/{name}", version.folder / name
    # A run without a summary would count as unfinished where the bundle is unpacked.
    for name in RUN_FILES if version.summary else ():
        path = version.run_folder / name
        if not path.exists() or (name == REPORT_FILE and not with_report):
            continue
        if name == "config.yaml":  # that of an early version of carryover holds credentials
            values = masked_settings(version.workspace.read_config(version.push.run_id))
            yield _run_file(version, name), dump_yaml(values).encode()
        else:
            yield _run_file(version, name), path


def _run_file(version: ServedVersion, name: str) -> str:
    return f"runs/{version.push.run_id}/{name}"
