"""`carryover label`: serve the page on which labels are given, until the batch is written."""

import contextlib
import secrets
import shlex
import signal
import threading
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from pipeline.config.path_check import check_workspace
from pipeline.inputs.layouts.folder_name_check import check_folder_name
from pipeline.labelling.batch_writer import WrittenBatch, check_output, write_batch
from pipeline.labelling.decision_journal import DecisionJournal
from pipeline.labelling.delivered_labels import describe_delivered, find_delivered
from pipeline.labelling.label_app import Labelling, create_label_app
from pipeline.labelling.labelling_session import LabellingSession
from pipeline.labelling.picture_list import list_pictures
from pipeline.labelling.proposals import Proposals
from pipeline.retraining.deliveries.batch_name_check import check_batch_name
from pipeline.retraining.unlabelled.pass_settings import options_of_folder
from pipeline.terminal.plain_lines import print_line
from pipeline.terminal.shell_word import shell_word
from pipeline.version_lookup import find_store, serving_version
from pipeline.web.listening_socket import bind_socket
from trainer_module.contract.errors import InputError
from trainer_module.contract.output_text.wording import counted, counted_are
from trainer_module.export.model_description import read_description

#: Address of the page: no other machine can reach it.
HOST = "127.0.0.1"

#: Option that names the workspace, for messages.
WORKSPACE_OPTION = "--classes-from WORKSPACE"

#: Seconds that open requests may take when the server stops.
STOP_SECONDS = 2

#: Most files that are named one by one.
MAX_NAMED = 20

#: Reason of a picture that nobody has seen.
ADDED = "added since the start; label the folder again"


@dataclass(frozen=True)
class LabelOptions:
    """What the user says about a labelling.

    Attributes:
        folder: Folder of the pictures.
        workspace: Workspace of the serving version that names classes and proposes; None for none.
        name: Name of the model, see `find_store`.
        output: Folder of the batch; None for one beside the folder.
        domain: Domain of all pictures, where no folder names it.
        only_labelled: Whether pictures without a label are left out of the batch.
        port: Port of the page; 0 chooses a free one.
    """

    folder: Path
    workspace: Path | None = None
    name: str | None = None
    output: Path | None = None
    domain: str | None = None
    only_labelled: bool = False
    port: int = 0


def label(options: LabelOptions, finish: bool) -> None:
    """Serve the page until the batch is written, or until SIGTERM or Ctrl-C.

    Args:
        options: What the user says.
        finish: Whether to write the batch at once, from the labels so far, without a page.

    Raises:
        InputError: There is no such folder, model or picture, or another process labels it.
    """
    folder = _resolve("DIR", options.folder)
    if options.name and not options.workspace:
        raise InputError("--name names a model of a workspace. Give --classes-from, too.")
    output = _choose_output(folder, options.output)
    model = _find_model(options)
    classes = _usable_classes(model) if model else []
    if options.domain is not None:
        options = replace(options, domain=check_folder_name("domain", options.domain))
    listed = list_pictures(folder, options.domain)
    for line in _describe_left_out("Cannot be labelled", listed.left_out):
        print_line(line)
    journal = DecisionJournal(output.with_name(f".{output.name}.labels.jsonl"))
    try:
        delivered: set[str] = set()
        if options.workspace:
            root = find_store(options.workspace, options.name, WORKSPACE_OPTION).root
            delivered = find_delivered(listed.pictures, folder, root, output, journal.entries)
        for line in describe_delivered(len(delivered)):
            print_line(line)
        pictures = {key: one for key, one in listed.pictures.items() if key not in delivered}
        session = LabellingSession(folder, pictures, classes, journal)
        if session.num_changed:
            print_line(
                f"{counted_are(session.num_changed, 'label')} not counted: the file was changed or "
                "removed since."
            )
        for name, other in session.renamed.items():
            print_line(f"Labels of class '{name}' count as '{other}', which looks like it.")
        if options.workspace:
            root = _resolve(WORKSPACE_OPTION, options.workspace)
            session.note_workspace(str(root), options.name)
        write = _Finisher(options, session, folder, output, delivered)
        if finish:
            write()
        else:
            _serve_page(options, session, model, write)
    finally:
        journal.close()


class _Finisher:
    """Writes the batch, and prints what was written."""

    def __init__(
        self,
        options: LabelOptions,
        session: LabellingSession,
        folder: Path,
        output: Path,
        delivered: Collection[str] = (),
    ) -> None:
        self._options, self._session = options, session
        self.folder, self.output = folder, output
        self._delivered = delivered
        self.is_done = False
        self._lock = threading.Lock()
        self._lines: list[str] = []

    def __call__(self) -> list[str]:
        """Write the batch once, and return the lines that tell of it."""
        with self._lock:
            if not self.is_done:
                with self._session.closed():
                    only_labelled = self._options.only_labelled
                    written = write_batch(self._session, self.folder, self.output, only_labelled)
                self.is_done = True
                left_out = written.left_out | self._find_added()
                self._lines = [
                    *_describe(written),
                    *_describe_left_out("Not in the batch", left_out),
                    *self._next_command(),
                ]
                for line in self._lines:
                    print_line(line)
            return self._lines

    def _find_added(self) -> dict[str, str]:
        """Return the pictures that are new in the folder, with that reason."""
        with contextlib.suppress(InputError, OSError):  # the batch is written, this is additional
            listed = list_pictures(self.folder, self._options.domain).pictures
            added = listed.keys() - self._session.pictures.keys() - set(self._delivered)
            return {one.path: ADDED for one in listed.values() if one.id in added}
        return {}

    def _next_command(self) -> list[str]:
        root = self._options.workspace or self._noted_workspace()
        workspace = _shell_path(root) or "WORKSPACE"
        if self._options.output is None:
            before, inbox = ["Move the folder into your inbox."], "INBOX"
        else:
            before, inbox = [], _shell_path(self.output.parent)
        model = self._options.name or self._session.model
        words = ["--name", model] if model else []
        words += options_of_folder(root, self.folder, model) if root else []
        more = "".join(f" {shlex.quote(word)}" for word in words)
        return [
            *before,
            "Next: carryover watch trains on the labels; where it does not run:",
            f"  carryover retrain --workspace {workspace} --inbox {inbox}{more}",
        ]

    def _noted_workspace(self) -> Path | None:
        """Return the workspace that an earlier start named, if it is still there."""
        noted = self._session.workspace
        return Path(noted) if noted and Path(noted).is_dir() else None


def _serve_page(
    options: LabelOptions, session: LabellingSession, model: Path | None, write: _Finisher
) -> None:
    listener = bind_socket(HOST, options.port, "Give another --port.")
    listener.listen()  # the page may be opened before the server accepts connections
    proposals = Proposals()
    token = secrets.token_urlsafe(16)
    labelling = Labelling(
        session,
        proposals,
        write.folder,
        write.output,
        finish=write,
        stop=lambda: setattr(server, "should_exit", True),
        only_labelled=options.only_labelled,
    )
    server = uvicorn.Server(page_config(create_label_app(labelling, token)))
    for number in (signal.SIGTERM, signal.SIGINT):
        # Uvicorn stops first, and then raises the signal again.
        signal.signal(number, lambda *_: labelling.stop())
    address = f"http://{HOST}:{listener.getsockname()[1]}/{token}/"
    print_line(f"{_describe_progress(session)}. Give labels at {address}")
    print_line("Ctrl-C stops; every label is kept. The page writes the batch with Finish.")
    try:
        if model:
            proposals.start(model, session, write.folder)
        server.run(sockets=[listener])
    finally:
        proposals.stop()
    if not write.is_done:
        print_line(
            f"{_describe_progress(session)}. The labels are kept: the same command resumes, and "
            "writes the batch with --finish."
        )


def page_config(app: Starlette) -> uvicorn.Config:
    """Return the config of the HTTP server.

    Args:
        app: App of the page.
    """
    return uvicorn.Config(
        app,
        ws="none",
        access_log=False,
        log_level="error",
        use_colors=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=STOP_SECONDS,
    )


def _choose_output(folder: Path, output: Path | None) -> Path:
    """Return the folder of the batch, an absolute path.

    Raises:
        InputError: It cannot be one.
    """
    if not folder.name:
        raise InputError(f"DIR {folder} holds every folder. Give the folder of the pictures.")
    beside = folder.with_name(f"{folder.name}-labelled")
    chosen = _resolve("--output", output) if output else beside
    if chosen.is_relative_to(folder):
        raise InputError(
            f"--output {chosen} is in the folder of the pictures. Give another folder."
        )
    check_batch_name(chosen)
    check_output(chosen)
    return chosen


def _resolve(option: str, path: Path) -> Path:
    """Return an absolute path without symbolic links.

    Raises:
        InputError: The links of the path lead to each other, or the current folder is gone.
    """
    try:
        return path.resolve()
    except (OSError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "its links form a loop"
        raise InputError(f"{option} {path}: {reason}. Give the path of another folder.") from None


def _find_model(options: LabelOptions) -> Path | None:
    if options.workspace is None:
        return None
    store = find_store(options.workspace, options.name, WORKSPACE_OPTION)
    check_workspace(
        store.root, f"Rename the folder, or give another workspace with {WORKSPACE_OPTION}."
    )
    return store.path(serving_version(store))


def _usable_classes(model: Path) -> list[str]:
    """Return the classes of a model that can be folders, and name the others."""
    usable = []
    for name in read_description(str(model))["labels"]:
        try:
            usable.append(check_folder_name("class", name))
        except InputError as error:
            print_line(f"Not offered: {error}")
    return usable


def _describe(written: WrittenBatch) -> list[str]:
    """Return the lines that tell what is in a batch."""
    total = sum(written.labels.values())
    lines = [f"Written to {written.path}: {counted(total, 'labelled picture')}"]
    if written.num_unlabelled:
        lines[0] += f", {written.num_unlabelled:,} without a label"
    for domain in sorted({domain for domain, _ in written.labels}):
        counts = ((name, n) for (one, name), n in sorted(written.labels.items()) if one == domain)
        lines.append(f"  {domain}: " + ", ".join(f"{name} {count:,}" for name, count in counts))
    # After the classes, which would read as counts of what is left out.
    if written.num_omitted:
        lines.append(f"Left out: {written.num_omitted:,} without a label")
    return lines


def _describe_left_out(what: str, left_out: dict[str, str]) -> list[str]:
    """Return lines that name the first files that are left out, and count the others."""
    if not left_out:
        return []
    named = list(left_out.items())[:MAX_NAMED]
    lines = [f"{what}: {len(left_out):,}", *(f"  {path}: {reason}" for path, reason in named)]
    return lines if len(named) == len(left_out) else [*lines, "  ..."]


def _shell_path(path: Path | None) -> str:
    return shell_word(str(path)) if path else ""


def _describe_progress(session: LabellingSession) -> str:
    counts = session.counts()
    pictures = counted_are(len(session.pictures), "picture")
    parts = [f"{counts['labelled']:,} of {pictures} labelled"]
    chosen = [one.id for one in session.pictures.values() if one.is_chosen]
    if 0 < len(chosen) < len(session.pictures):
        decisions = filter(None, map(session.decision, chosen))
        labelled = sum(decision.kind == "labelled" for decision in decisions)
        parts.append(f"{labelled:,} of the {len(chosen):,} chosen")
    parts += [f"{counts[kind]:,} {kind}" for kind in ("skipped", "unusable") if counts[kind]]
    return ", ".join(parts)
