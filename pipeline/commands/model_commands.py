"""The commands for trained models: report, predict, serve, export, versions, rollback.

Modules that import slowly are imported inside the functions.
"""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.command_options import (
    DEFAULT_WORKSPACE,
    DomainOption,
    LayoutOption,
    NameOption,
    WorkspaceOption,
)
from pipeline.terminal.plain_lines import print_line
from trainer_module.contract.errors import InputError
from trainer_module.export.export_formats import ExportFormat


def add_to(app: typer.Typer) -> None:
    """Add the commands to the `carryover` command."""
    for command in (report, predict, serve, export, versions, rollback):
        app.command()(command)


def report(
    run_id: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="Id of a run; by default the newest.")
    ] = None,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    history: Annotated[
        bool, typer.Option("--history", help="Write one page about all versions and retrainings.")
    ] = False,
) -> None:
    """Write the report of a run again, or the history of the workspace, and print the path."""
    from pipeline.report.history_page import write_history_page
    from pipeline.report.run_report import recreate_report
    from pipeline.retraining.ledger import read_batches
    from pipeline.workspace import Workspace

    if history and run_id:
        raise InputError("--history is about all runs: leave RUN out.")
    folder = Workspace(workspace.resolve())
    if history:
        print_line(write_history_page(folder, read_batches(folder.root)))
    else:
        print_line(recreate_report(folder, run_id))


def predict(
    images: Annotated[
        list[Path],
        typer.Argument(
            metavar="IMAGE...", help="Pictures, folders, manifests, or patterns in quotes."
        ),
    ],
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    name: NameOption = None,
    csv: Annotated[bool, typer.Option("--csv", help="Print a row of CSV per picture.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print a line of JSON per picture.")] = False,
    domain_report: Annotated[
        bool,
        typer.Option(
            "--domain-report",
            help="Print the accuracy per domain of folders that name domains and classes.",
        ),
    ] = False,
    layout: LayoutOption = None,
    domain: DomainOption = None,
) -> None:
    """Classify pictures with the serving model.

    Exit codes: 0 all were classified, 2 some were unreadable (each is named, with the reason) or
    bad input, 1 failure.
    """
    from pipeline.inputs.layouts.layout import layout_options
    from pipeline.predicting.prediction import predict_images
    from pipeline.predicting.prediction_output import CsvOutput, JsonOutput, LineOutput

    if csv and json:
        raise InputError("--csv and --json exclude each other. Give one of them.")
    output = CsvOutput if csv else JsonOutput if json else LineOutput
    options = layout_options(layout, domain, data_option="") if domain_report else None
    if (layout or domain) and not domain_report:
        raise InputError("--layout and --domain are for --domain-report. Give it, too.")
    raise typer.Exit(predict_images(images, workspace, name, output, options))


def serve(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    name: NameOption = None,
    port: Annotated[
        int,
        typer.Option(
            "--port", "-p", min=0, max=65535, help="Port to listen on; 0 for any free port."
        ),
    ] = 8501,
    grpc_port: Annotated[
        int | None,
        typer.Option(
            "--grpc-port",
            min=0,
            max=65535,
            help="Port for TensorFlow Serving's gRPC API, usually 8500; without it there is none.",
        ),
    ] = None,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; 0.0.0.0 for every network.")
    ] = "127.0.0.1",
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(
            "--allowed-host",
            metavar="NAME",
            help="Name of this server that requests may be for, besides localhost; repeatable.",
        ),
    ] = None,
    max_memory: Annotated[
        str | None,
        typer.Option(
            "--max-memory",
            metavar="SIZE",
            help="Memory for all requests at a time, such as 2GiB.  [a quarter of the machine's]",
        ),
    ] = None,
    version_label: Annotated[
        list[str] | None,
        typer.Option(
            "--version-label",
            metavar="LABEL=VERSION",
            help="Name for a version in requests, such as stable=3 or canary=newest; repeatable.",
        ),
    ] = None,
    sample_requests: Annotated[
        float | None,
        typer.Option(
            "--sample-requests",
            metavar="RATE",
            min=0,
            max=1,
            help="Keep this share of the pictures, 0 to 1, in <workspace>/traffic.  [none]",
        ),
    ] = None,
    sample_limit: Annotated[
        str | None,
        typer.Option(
            "--sample-limit",
            metavar="SIZE",
            help="Disk for these pictures, such as 10GB; the oldest make room.  [1GB]",
        ),
    ] = None,
    domain: Annotated[
        str | None,
        typer.Option(
            "--domain",
            metavar="NAME",
            help="Domain of these pictures, where no header Carryover-Domain names it.",
        ),
    ] = None,
    shadow: Annotated[
        bool | None,
        typer.Option(
            "--shadow/--no-shadow",
            help="Let a pushed version predict beside the serving one before it serves.  [config "
            "serve.promote]",
            show_default=False,
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            "-c",
            help="Config whose keys of serve are read.  [that of the serving version's run]",
        ),
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Set one key of serve, such as serve.shadow_pictures=500; repeatable.",
        ),
    ] = None,
    show_workspace: Annotated[
        bool,
        typer.Option(
            "--show-workspace",
            help="Show batches, reports and pictures to everyone who can reach --host.  [this "
            "machine only]",
        ),
    ] = False,
) -> None:
    """Serve the model over the REST and gRPC APIs of TensorFlow Serving, with a page about it.

    The server loads new versions and follows rollbacks while it runs. Exit codes: 0 stopped by
    SIGTERM or Ctrl-C, 2 bad input, 1 failure.
    """
    from pipeline.serving.serve_options import ServeOptions
    from pipeline.serving.server import serve as run_server

    hosts, labels = allowed_host or (), version_label or ()
    options = ServeOptions(
        host,
        port,
        grpc_port,
        hosts,
        max_memory,
        labels,
        sample_requests=sample_requests,
        sample_limit=sample_limit,
        domain=domain,
        show_workspace=show_workspace,
        shadow=shadow,
        config=config,
        overrides=overrides or (),
    )
    run_server(workspace, name, options)


def export(
    form: Annotated[ExportFormat, typer.Option("--format", help="Format of the export.")],
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    name: NameOption = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Folder for the model and its metrics.  [<workspace>/exports]"
        ),
    ] = None,
    include_training_data: Annotated[
        bool,
        typer.Option(
            "--include-training-data",
            help="Put paths, digests and embeddings of training pictures into a saved-model.",
        ),
    ] = False,
) -> None:
    """Convert the serving model, and compare the result with it on the test split.

    The converted model takes pixels (float32 RGB, 0 to 255) and returns probabilities.
    `saved-model` is a copy of the version for others. Exit codes: 0 done, 2 bad input, 1 failure.
    """
    if form == "saved-model":
        from pipeline.predicting.saved_model_copy import export_saved_model

        export_saved_model(workspace, name, output, include_training_data)
        return
    if include_training_data:
        raise InputError(
            f"--include-training-data goes with --format saved-model: {form} never holds them."
        )
    from pipeline.tensorflow_import import import_tensorflow_quietly

    import_tensorflow_quietly()
    from pipeline.predicting.model_export import export_model

    export_model(workspace, name, form, output)


def versions(workspace: WorkspaceOption = DEFAULT_WORKSPACE, name: NameOption = None) -> None:
    """List the versions of a model: accuracy per domain, and reasons of rollbacks."""
    from pipeline.version_lookup import find_store, show_versions

    show_versions(find_store(workspace, name))


def rollback(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    name: NameOption = None,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Reason; it is kept with the version.")
    ] = "",
) -> None:
    """Take the newest version out of service, so that the one before serves."""
    from pipeline.publishing.publish_at_end import publish_change
    from pipeline.version_lookup import find_store, roll_back

    roll_back(find_store(workspace, name), reason)
    publish_change(workspace, name)
