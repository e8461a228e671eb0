"""`runs/<run id>/report.html`: all that there is to see of one run."""

import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from pipeline.report.run_record import RunRecord, read_record
from pipeline.running.logs import captured_output
from pipeline.running.run import Run
from pipeline.workspace import Workspace

if TYPE_CHECKING:
    from pipeline.report.sections.data_facts import DataFacts
    from pipeline.report.sections.model_facts import ModelFacts

FILE = "report.html"


def make_again(workspace: Workspace, run_id: str | None) -> Path:
    """Make the page of a run that has ended; what libraries say goes to the run's log.

    Args:
        workspace: of the run.
        run_id: None for the newest.

    Returns:
        Path of the page.

    Raises:
        InputError: there is no such run, or it has not ended.
    """
    record = read_record(workspace, run_id)
    with captured_output(workspace.log(record.folder.name)):
        return write_report(record)


def write_report(record: RunRecord) -> Path:
    """Make the page of a run, beside its summary; returns its path."""
    from pipeline.report.rendering import write_page
    from pipeline.report.sections.data_facts import read_data_facts
    from pipeline.report.sections.model_facts import read_model_facts

    values = page_values(record, read_data_facts(record), read_model_facts(record))
    return write_page(record.folder / FILE, "report.html.j2", **values)


def report_on(run: Run) -> None:
    """Make the page of a run at its end. Where that fails, it is said, and the run is as it was."""
    try:
        with run.reporter.component("Report"):
            path = write_report(read_record(run.workspace, run.run_id))
        run.reporter.say(f"report: {path}")
    except Exception:
        traceback.print_exc()  # stderr is the log now
        log = run.workspace.log(run.run_id)
        run.reporter.say(f"the report could not be made, all else is as it says (see {log})")


def page_values(record: RunRecord, data: "DataFacts", model: "ModelFacts | None") -> dict[str, Any]:
    """What the template of the page shows."""
    from pipeline.inspecting.domain_measures import CAPTION, HEADINGS
    from pipeline.report.sections.verdict import read_domains, read_verdict
    from pipeline.report.test_predictions import MOST_MISTAKES

    return {
        "summary": record.summary,
        "name": record.config.get("name", ""),
        "gate": record.config.get("gate", {}),
        "config": yaml.safe_dump(record.config, sort_keys=False, allow_unicode=True),
        "verdict": read_verdict(record.summary),
        "domains": read_domains(record.summary),
        "lineage": record.lineage,
        "exports": record.exports,
        "data": data,
        "model": model,
        "per_domain": MOST_MISTAKES,
        "measures_headings": HEADINGS,
        "measures_caption": CAPTION,
    }
