"""Launch the components of a run, and put their lists and findings where the user looks."""

from contextlib import ExitStack
from pathlib import Path

from components.compat.tfx_internals import serving_model_path
from components.data_gate.checks.duplicates import LOOKALIKES, write_pairs
from components.data_gate.executor import read_findings
from components.data_gate.stopping import StoppedByDataError
from components.serving_check.probe_process import probe_shards, started_ahead
from pipeline import component_ids
from pipeline.running.launcher import Launcher
from pipeline.running.run import Run
from pipeline.summary.blank_list import write_blank_pictures
from pipeline.summary.reject_list import write_rejects
from pipeline.summary.run_outputs import Outputs
from pipeline.summary.suspect_labels import write_suspect_labels
from trainer_module.contract.atomic_write import DRAFT_SUFFIX, atomic_write


def launch_components(run: Run, launcher: Launcher, last: str | None = None) -> Outputs:
    """Launch components one after the other, or take their outputs from the cache.

    Args:
        run: Run that the components belong to. It shows and records their progress.
        launcher: Launcher of the pipeline of that run.
        last: Id of the last component to launch; None launches all of them.

    Returns:
        URIs of the outputs of every launched component.

    Raises:
        StoppedByDataError: The data gate stopped the run.
        Exception: Whatever the executor of a component raises.
    """
    nodes = launcher.nodes if last is None else launcher.nodes[: launcher.nodes.index(last) + 1]
    outputs: Outputs = {}
    try:
        with ExitStack() as ahead:
            for node in nodes:
                with run.component(node) as result:
                    outputs[node], result.cached = launcher.launch(node)
                if node == component_ids.TRAINER and not result.cached:
                    # The ServingCheck needs nothing of the Evaluator, which uses one core.
                    model = serving_model_path(outputs[node]["model"])
                    examples = outputs[component_ids.IMAGE_EXAMPLE_GEN]["examples"]
                    ahead.enter_context(started_ahead(model, probe_shards(examples)))
                collect_lists(run, {node: outputs[node]})
    except StoppedByDataError as stop:
        # TFX has removed the outputs of the failed component: the error carries their content.
        run.findings = [*run.snapshot.findings, *stop.findings]
        if stop.duplicates.pairs:
            draft = run.lookalikes.with_name(f"{run.lookalikes.name}{DRAFT_SUFFIX}")
            write_pairs(stop.duplicates, str(draft))
            draft.replace(run.lookalikes)
        raise
    return outputs


def collect_lists(run: Run, outputs: Outputs) -> None:
    """Write the lists of pictures to look at to the run's folder; note the findings.

    Args:
        run: Run to change.
        outputs: Outputs of components that have finished; any of them may be missing.
    """
    if component_ids.IMAGE_EXAMPLE_GEN in outputs:
        ingested = outputs[component_ids.IMAGE_EXAMPLE_GEN]
        write_rejects(ingested["rejects"], run.rejects)
        write_blank_pictures(ingested["catalog"], run.blank_pictures)
    if component_ids.DATA_GATE in outputs:
        findings = outputs[component_ids.DATA_GATE]["findings"]
        run.findings = [*run.snapshot.findings, *read_findings(findings)]
        lookalikes = Path(findings, LOOKALIKES).read_bytes()
        if len(lookalikes.splitlines()) > 1:  # more than the header
            atomic_write(run.lookalikes, lookalikes)
    if component_ids.TRAINER in outputs:
        model = serving_model_path(outputs[component_ids.TRAINER]["model"])
        write_suspect_labels(model, run.suspect_labels)
