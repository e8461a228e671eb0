"""The undocumented names of TFX that our components use, as the installed TFX has them."""

import json
from pathlib import Path

import pytest
from private_names import require
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.types import standard_artifacts

from components.compat import tfx_internals
from components.image_example_gen.executor import ImageExampleGenExecutor
from components.serving_check import executor as serving_check_executor

pytestmark = pytest.mark.component

USED_IN = "components/compat/tfx_internals.py"


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("tfx.utils.path_utils:serving_model_path", ("output_uri",)),
        ("tfx.components.util.model_utils:is_model_blessed", ("model_blessing",)),
        ("tfx.components.evaluator.constants:BLESSED_FILE_NAME", ()),
        ("tfx.components.util.examples_utils:set_payload_format", ("examples", "payload_format")),
        ("tfx.utils.io_utils:write_string_file", ("file_name", "string_value")),
        ("tfx.utils.io_utils:read_string_file", ("file_name",)),
        (
            "tfx.dsl.components.base.base_beam_executor:BaseBeamExecutor._make_beam_pipeline",
            ("self",),
        ),
        (
            "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor:_parse_flags",
            ("argv",),
        ),
        (
            "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor:main",
            ("parsed_argv",),
        ),
    ],
)
def test_tfx_has_the_name(path, parameters):
    require(path, USED_IN, parameters)


def test_the_serving_model_is_where_tfx_writes_it():
    assert tfx_internals.serving_model_path("/model/7") == "/model/7/Format-Serving"


@pytest.mark.parametrize(("is_blessed", "file"), [(True, "BLESSED"), (False, "NOT_BLESSED")])
def test_a_blessing_is_written_as_tfx_reads_it(tmp_path, is_blessed, file):
    blessing, model, baseline = (
        kind() for kind in (standard_artifacts.ModelBlessing, *[standard_artifacts.Model] * 2)
    )
    blessing.uri = str(tmp_path)
    for number, one in enumerate((model, baseline), start=1):
        one.uri, one.id = f"/model/{number}", number
    tfx_internals.bless_model(blessing, model, baseline, is_blessed)
    assert [path.name for path in tmp_path.iterdir()] == [file]
    assert tfx_internals.is_model_blessed(blessing) is is_blessed
    assert blessing.get_string_custom_property("current_model") == "/model/1"
    assert blessing.get_int_custom_property("current_model_id") == 1
    assert blessing.get_string_custom_property("baseline_model") == "/model/2"
    assert blessing.get_int_custom_property("baseline_model_id") == 2


@pytest.mark.parametrize("blessed", [True, False])
def test_the_evaluators_blessing_is_understood(blessed):
    blessing = standard_artifacts.ModelBlessing()
    blessing.set_int_custom_property("blessed", int(blessed))
    assert tfx_internals.is_model_blessed(blessing) is blessed


def test_declared_examples_are_tf_examples_to_tfx():
    examples_utils = pytest.importorskip("tfx.components.util.examples_utils")
    examples = standard_artifacts.Examples()
    tfx_internals.declare_tf_examples(examples)
    assert examples_utils.get_payload_format_string(examples) == "FORMAT_TF_EXAMPLE"


def test_an_executor_makes_a_beam_pipeline_with_the_arguments_of_its_context():
    context = BaseBeamExecutor.Context(
        beam_pipeline_args=["--sdk_container_image=none", "--job_name=ours"]
    )
    pipeline = tfx_internals.make_beam_pipeline(ImageExampleGenExecutor(context))
    assert pipeline.options.get_all_options()["job_name"] == "ours"


def test_text_files_are_written_with_their_folder_and_read_back(tmp_path):
    path = tmp_path / "deep" / "file.json"
    tfx_internals.write_string_file(str(path), "häß")
    assert path.read_text(encoding="utf-8") == "häß"
    assert tfx_internals.read_string_file(str(path)) == "häß"
    with pytest.raises(FileNotFoundError):
        tfx_internals.read_string_file(f"{path}.missing")


def test_kubeflows_entry_point_takes_a_component_and_its_invocation(monkeypatch):
    module = require("tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor", USED_IN)
    ran = []
    monkeypatch.setattr(module, "_run_executor", lambda args, rest: ran.append((args, rest)))
    invocation = json.dumps({"inputs": {}})
    tfx_internals.run_kubeflow_component(
        [
            "program",
            "--executor_class_path=our.Executor",
            f"--json_serialized_invocation_args={invocation}",
            "--runner=DirectRunner",
        ]
    )
    [(arguments, rest)] = ran
    assert arguments.executor_class_path == "our.Executor"
    assert arguments.json_serialized_invocation_args == invocation
    assert "--runner=DirectRunner" in rest


def test_serving_check_blesses_with_the_files_of_infra_validator(tmp_path):
    used_in = "components/serving_check/executor.py"
    validator = "tfx.components.infra_validator.executor"
    names = {
        True: require(f"{validator}:_BLESSED_FILENAME", used_in),
        False: require(f"{validator}:_NOT_BLESSED_FILENAME", used_in),
    }
    key = require(f"{validator}:_BLESSED_KEY", used_in)
    for blessed, name in names.items():
        blessing = standard_artifacts.InfraBlessing()
        blessing.uri = str(tmp_path / str(blessed))
        serving_check_executor.mark_blessing(blessing, blessed)
        assert [path.name for path in Path(blessing.uri).iterdir()] == [name]
        assert blessing.get_int_custom_property(str(key)) == int(blessed)


def test_the_contexts_of_runs_and_nodes_have_the_names_that_the_report_looks_for():
    used_in = "pipeline/report/lineage.py"
    constants = "tfx.dsl.compiler.constants"
    assert require(f"{constants}:PIPELINE_RUN_CONTEXT_TYPE_NAME", used_in) == "pipeline_run"
    assert require(f"{constants}:NODE_CONTEXT_TYPE_NAME", used_in) == "node"
