"""The command that forgets pictures. Modules that import slowly are imported in the function."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.command_options import DEFAULT_WORKSPACE, WorkspaceOption
from pipeline.commands.used_workspace import used_workspace
from trainer_module.contract.errors import InputError

if TYPE_CHECKING:
    from pipeline.forgetting.forget_request import ForgetRequest
    from pipeline.forgetting.forgetting import Forgotten


def add_to(app: typer.Typer) -> None:
    """Add the command to the `carryover` command."""
    app.command()(forget)


def forget(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    path: Annotated[
        str | None,
        typer.Option("--path", help="Picture to forget: its path in data, a batch or a report."),
    ] = None,
    group: Annotated[
        str | None, typer.Option("--group", help="Name of the group of pictures to forget.")
    ] = None,
    batch: Annotated[
        str | None, typer.Option("--batch", help="Name of the batch whose pictures to forget.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be removed; change nothing.")
    ] = False,
    retire_models: Annotated[
        bool,
        typer.Option(
            "--retire-models", help="Retire the versions that were trained on the pictures."
        ),
    ] = False,
    stop_serving: Annotated[
        bool,
        typer.Option("--stop-serving", help="Retire them even if no other version can serve."),
    ] = False,
    receipt: Annotated[
        Path | None, typer.Option("--receipt", help="File for a copy of the receipt, JSON.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Remove pictures, and all that shows or names them, from a workspace for good.

    Files outside the workspace, such as those in the data folder, are never touched. After a kill,
    the next call finishes. Exit codes: 0 done, 2 bad input or nothing found, 1 failure.
    """
    from pipeline.logs.captured_output import captured_output

    request = _request(path, group, batch)
    if stop_serving and not retire_models:
        raise InputError("--stop-serving is for --retire-models. Give both, or leave it out.")
    folder = used_workspace(workspace)
    _check_receipt(receipt)
    with captured_output(folder.log("forget")):  # TFX prints messages when it is imported
        from pipeline.forgetting.forget_output import show_forgotten, show_json
        from pipeline.forgetting.forget_receipt import receipt_text
        from pipeline.forgetting.forgetting import ForgetOptions
        from pipeline.forgetting.forgetting import forget as forget_pictures
        from trainer_module.contract.atomic_write import atomic_write

    def show(forgotten: "Forgotten") -> None:
        if receipt and forgotten.file:
            atomic_write(receipt, receipt_text(forgotten.receipt))
        show_json(forgotten) if as_json else show_forgotten(forgotten)

    forget_pictures(folder, request, ForgetOptions(retire_models, stop_serving, dry_run), show)


def _request(path: str | None, group: str | None, batch: str | None) -> "ForgetRequest":
    from pipeline.forgetting.forget_request import ForgetRequest

    requests = []
    if path is not None:
        requests.append(ForgetRequest("path", path))
    if group is not None:
        requests.append(ForgetRequest("group", group))
    if batch is not None:
        requests.append(ForgetRequest("batch", batch))
    if len(requests) != 1 or not requests[0].value.strip():
        raise InputError("give one of --path, --group and --batch, which says what to forget.")
    return requests[0]


def _check_receipt(receipt: Path | None) -> None:
    """Refuse a file that cannot be written, before anything is removed."""
    if receipt is None:
        return
    if receipt.is_dir() or not receipt.parent.is_dir():
        problem = "is a folder" if receipt.is_dir() else "is in no folder that exists"
        raise InputError(f"--receipt {receipt} {problem}. Name a file that can be written.")
