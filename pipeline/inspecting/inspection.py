"""`carryover inspect`: findings of the data gate, a table and a contact sheet."""

import json
from pathlib import Path

from pipeline import component_ids
from pipeline.config.run_config import RunConfig
from pipeline.inspecting.inspection_verdict import judge_findings
from pipeline.running.partial_run import partial_run
from pipeline.running.run import Run
from pipeline.summary.finding_list import show_findings
from pipeline.terminal.safe_console import plain
from pipeline.terminal.table_printing import print_table
from pipeline.version_lookup import find_stores
from trainer_module.contract.atomic_write import atomic_write

#: Last component that runs.
LAST = component_ids.DATA_GATE


def inspect_data(config: RunConfig, output: Path) -> bool:
    """Run the components of a run up to the data gate, and show what they find.

    If the config names a workspace, the data are compared with those of its serving model. Data
    that lack domains or classes of it are taken for a batch: what they lack does not count.

    Args:
        config: Config of the run that the user is preparing.
        output: Folder for `contact-sheet.png`, `classes.csv`, `findings.json`, `rejects.csv`,
            `lookalikes.csv` and `suspect-labels.csv`.

    Returns:
        Whether the data gate would let a run train, or a retraining on a batch.

    Raises:
        InputError: The pictures or the config are unusable, or the workspace is in use.
        RunFailedError: A component failed.
    """
    with partial_run("inspect", _with_only_model(config), output) as run:
        return _inspect(run)


def _with_only_model(config: RunConfig) -> RunConfig:
    """Return a config without a name with that of the only model in its workspace."""
    if "workspace" not in config.model_fields_set or "name" in config.model_fields_set:
        return config
    names = [store.name for store in find_stores(config.workspace)]
    return config.model_copy(update={"name": names[0]}) if len(names) == 1 else config


def _inspect(run: Run) -> bool:
    with run.component("Loading TFX"):
        from pipeline.inspecting.class_table import (
            read_class_counts,
            show_classes,
            write_class_counts,
        )
        from pipeline.inspecting.contact_sheet import write_contact_sheet
        from pipeline.inspecting.domain_table import domain_table
        from pipeline.running.launch_components import launch_components
        from pipeline.running.prepare_launcher import prepare_launcher
        from pipeline.summary.suspect_labels import write_suspect_labels

        options = run.config.validation
        # All findings are wanted, also where a run would stop.
        never_stop = options.model_copy(update={"stop_at": "never"})
        run.config = run.config.model_copy(update={"validation": never_stop})
        launcher, serving = prepare_launcher(run)
    catalog = launch_components(run, launcher, LAST)[component_ids.IMAGE_EXAMPLE_GEN]["catalog"]
    with run.component("Contact sheet"):
        sheet = run.folder / "contact-sheet.png"
        write_contact_sheet(catalog, run.snapshot.data_root, sheet)
    if serving is not None:
        write_suspect_labels(str(run.store.path(serving)), run.suspect_labels, catalog)
    verdict = judge_findings(run.findings, options)
    run.findings = verdict.findings
    findings = [finding.model_dump() for finding in run.findings]
    atomic_write(run.folder / "findings.json", json.dumps(findings, indent=1) + "\n")
    console = run.progress.console
    print_table(console, domain_table(catalog))
    counts = read_class_counts(catalog)
    write_class_counts(counts, run.folder / "classes.csv")
    if counts.pictures:
        show_classes(console, counts, run.folder / "classes.csv")
    _show(run, sheet)
    for line in verdict.sentences:
        console.print(line, highlight=False, soft_wrap=True)
    return not verdict.stops


def _show(run: Run, sheet: Path) -> None:
    console = run.progress.console
    show_findings(console, run.findings, include_information=True)
    run.show_lists()
    console.print(plain(f"contact sheet: {sheet}"), highlight=False, soft_wrap=True)
