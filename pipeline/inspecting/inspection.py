"""`carryover inspect`: what the data gate would say, a table and a picture, without training."""

import json
from pathlib import Path

from pipeline.config.run_config import RunConfig
from pipeline.running.local_run import show_lists
from pipeline.running.partial_run import partial_run
from pipeline.running.run import Run
from pipeline.summary.terminal import show_findings

#: The component whose verdict this is; nothing behind it runs.
LAST = "DataGate"


def inspect_data(config: RunConfig, output: Path) -> bool:
    """Read all pictures and say what is in them, with the components that a run begins with.

    Where the config names a workspace, the data are compared with the model that serves there.

    Args:
        config: of the run that is meant.
        output: folder for `contact-sheet.png`, `findings.json`, `rejects.csv`, `lookalikes.csv`.

    Returns:
        Whether a run would go on to train.

    Raises:
        InputError: the pictures or the config cannot be used, or the workspace is in use.
        RunFailedError: a component failed.
    """
    with partial_run("inspect", config, output) as run:
        return _inspect(run)


def _inspect(run: Run) -> bool:
    with run.component("Loading TFX"):
        from components.data_gate.stopping import stopping_findings
        from pipeline.inspecting.contact_sheet import write_contact_sheet
        from pipeline.inspecting.domain_table import domain_table
        from pipeline.running.component_launches import launch_to
        from pipeline.running.preparation import prepare

        options = run.config.validation
        never = options.model_copy(update={"stop_at": "never"})
        run.config = run.config.model_copy(update={"validation": never})
        launcher, _ = prepare(run)
    catalog = launch_to(run, launcher, LAST)["ImageExampleGen"]["catalog"]
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
