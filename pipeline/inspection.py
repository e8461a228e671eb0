"""`carryover inspect`: what the data gate would say, a table and a picture, without training."""

import contextlib
import json
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path

from pipeline.config import RunConfig
from pipeline.local import RunFailedError, check_workspace, first_input_error, last_line, show_lists
from pipeline.logs import captured_output, relayed
from pipeline.runs import Run
from pipeline.snapshot import take_snapshot
from pipeline.terminal import Reporter, show_findings
from pipeline.workspace import Workspace

#: The component whose verdict this is; nothing behind it runs.
LAST = "DataGate"


def inspect_data(config: RunConfig, output: Path) -> bool:
    """Read all pictures and say what is in them, with the components that a run begins with.

    Where the config names a workspace, the data are compared with the model that serves there,
    and a later run answers its first components from the cache. Otherwise nothing else is kept.

    Args:
        config: of the run that is meant.
        output: folder for `contact-sheet.png`, `findings.json`, `rejects.csv`, `lookalikes.csv`.

    Returns:
        Whether a run would go on to train.

    Raises:
        InputError: the pictures or the config cannot be used, or the workspace is in use.
        RunFailedError: a component failed.
    """
    with _workspace(config) as config:
        check_workspace(config)
        workspace = Workspace(config.workspace)
        output.mkdir(parents=True, exist_ok=True)
        with workspace.lock():
            snapshot = take_snapshot(config.data, workspace.inputs)
            log = workspace.log("inspect")
            with captured_output(log) as console:
                reporter = Reporter(console)
                reporter.title(f"inspect {config.data}: {snapshot.files:,} files")
                run = Run("inspect", config, workspace, snapshot, reporter, output.resolve())
                try:
                    with relayed(reporter.say):
                        return _inspect(run)
                except Exception as error:
                    traceback.print_exc()  # stderr is the log now
                    if cause := first_input_error(error):
                        raise cause from error
                    kept = output / "inspect.log"
                    kept.write_bytes(log.read_bytes())
                    raise RunFailedError(
                        f"{run.step} failed: {last_line(error)} (traceback: {kept})"
                    ) from error


@contextlib.contextmanager
def _workspace(config: RunConfig) -> Iterator[RunConfig]:
    if "workspace" in config.model_fields_set:
        yield config.resolved()
        return
    with tempfile.TemporaryDirectory(prefix="carryover-") as folder:
        yield config.model_copy(update={"workspace": Path(folder)}).resolved()


def _inspect(run: Run) -> bool:
    with run.component("Loading TFX"):
        from components.data_gate.stopping import stopping_findings
        from pipeline.contact_sheet import write_contact_sheet
        from pipeline.domain_table import domain_table
        from pipeline.preparation import prepare
        from pipeline.steps import launch

        options = run.config.validation
        never = options.model_copy(update={"stop_at": "never"})
        run.config = run.config.model_copy(update={"validation": never})
        launcher, _ = prepare(run)
    nodes = launcher.nodes[: launcher.nodes.index(LAST) + 1]
    catalog = launch(run, launcher, nodes)["ImageExampleGen"]["catalog"]
    with run.component("Contact sheet"):
        sheet = run.folder / "contact-sheet.png"
        write_contact_sheet(catalog, run.snapshot.data_root, sheet)
    findings = [finding.model_dump() for finding in run.findings]
    (run.folder / "findings.json").write_text(json.dumps(findings, indent=1) + "\n")
    run.reporter.console.print(domain_table(catalog), highlight=False)
    _show(run, sheet)
    stopping = stopping_findings(run.findings, options)
    verdict = f"would stop at this: {stopping[0].kind}" if stopping else "would go on to train"
    run.reporter.console.print(f"carryover run {verdict}.", highlight=False, soft_wrap=True)
    return not stopping


def _show(run: Run, sheet: Path) -> None:
    console = run.reporter.console
    show_findings(console, run.findings, all_of_them=True)
    show_lists(run)
    console.print(f"contact sheet: {sheet}", highlight=False, soft_wrap=True, markup=False)
