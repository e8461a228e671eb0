"""`runs/<run id>/report.html`: the report of one run."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from pipeline.logs.captured_output import captured_output, log_traceback
from pipeline.report.run_record import RunRecord, read_record
from pipeline.workspace import Workspace
from trainer_module.contract.output_text.credentials import masked_settings

if TYPE_CHECKING:
    from pipeline.report.sections.data_section import DataSection
    from pipeline.report.sections.model_section import ModelSection

FILE = "report.html"


def recreate_report(workspace: Workspace, run_id: str | None) -> Path:
    """Write the report of a run that has ended. The output of libraries goes to the run's log.

    Args:
        workspace: Workspace with the run.
        run_id: Id of the run, None for the newest one.

    Returns:
        Path of the report.

    Raises:
        InputError: There is no such run, or it has not ended.
    """
    record = read_record(workspace, run_id)
    with captured_output(workspace.log(record.folder.name)):
        return write_report(record)


def renew_report(workspace: Workspace, run_id: str) -> bool:
    """Write the report of a run again, after a decision about its model.

    Args:
        workspace: Workspace with the run.
        run_id: Id of the run.

    Returns:
        Whether it was written. If not, the traceback is in the run's log.
    """
    with captured_output(workspace.log(run_id)):
        try:
            write_report(read_record(workspace, run_id))
        except Exception:
            log_traceback()
            return False
    return True


def write_report(record: RunRecord) -> Path:
    """Write the report of a run next to its summary.

    Args:
        record: Run that has ended.

    Returns:
        Path of the report.
    """
    from pipeline.report.rendering import write_page
    from pipeline.report.sections.data_section import read_data_section
    from pipeline.report.sections.model_section import read_model_section

    values = page_values(record, read_data_section(record), read_model_section(record))
    return write_page(record.folder / FILE, "report.html.j2", **values)


def page_values(
    record: RunRecord, data: "DataSection", model: "ModelSection | None"
) -> dict[str, Any]:
    """Return the variables of the template `report.html.j2`.

    Args:
        record: Run of the report.
        data: Contents of the section about the pictures.
        model: Contents of the sections about the model; None if the run has no model.
    """
    from pipeline.report.sections.gate_section import read_gate_section
    from pipeline.report.sections.labels_to_give import read_labels_to_give
    from pipeline.report.sections.verdict import read_domain_rows, read_verdict
    from pipeline.report.split_predictions import MAX_MISTAKES
    from pipeline.summary.domain_measures import CAPTION, HEADINGS
    from pipeline.summary.unlabelled_training import describe_unlabelled_training

    test_images = {name: one.test_images for name, one in record.summary.domains.items()}
    return {
        "summary": record.summary,
        "name": record.config.get("name", ""),
        "gate": record.config.get("gate", {}),
        "config": yaml.safe_dump(
            masked_settings(record.config), sort_keys=False, allow_unicode=True
        ),
        "verdict": read_verdict(record.summary, record.version),
        "labels_to_give": read_labels_to_give(record),
        "unlabelled_training": describe_unlabelled_training(model.description, test_images)
        if model
        else [],
        "domains": read_domain_rows(record.summary),
        "gate_section": read_gate_section(record.summary),
        "lineage": record.lineage,
        "exports": record.exports,
        "data": data,
        "model": model,
        "max_mistakes": MAX_MISTAKES,
        "measures_headings": HEADINGS,
        "measures_caption": CAPTION,
    }
