"""The examples in the docstrings of functions that users of the packages call.

Each example runs in an empty namespace, so that it shows every import that a reader needs.
"""

import doctest
import inspect
import pkgutil

import pytest

#: Dotted names of the functions and classes. Their examples are quick: nothing is downloaded or
#: trained.
EXAMPLES = [
    "pipeline.config.config_file.load_config",
    "pipeline.config.option_types.key_types",
    "pipeline.config.quality_presets.with_preset",
    "pipeline.config.parsing.yaml_parser.dump_yaml",
    "pipeline.config.parsing.yaml_parser.parse_yaml",
    "pipeline.inputs.manifest_columns.find_columns",
    "components.data_gate.checks.hamming_search.hamming_search",
    "components.data_gate.statistics.distributions.compare_numeric",
    "components.evaluation.gate.slice_names.slice_columns",
    "components.evaluation.tfma.classifier_metrics.macro_f1",
    "components.evaluation.statistics.accuracy_interval.accuracy_interval",
    "components.evaluation.statistics.detectable_loss.smallest_detectable_loss",
    "components.evaluation.statistics.multiple_tests.common_level",
    "components.evaluation.statistics.paired_counts.interval",
    "components.evaluation.statistics.paired_counts.loss_p_value",
    "pipeline.predicting.embedding_distance.embedding_distance",
    "pipeline.predicting.embedding_distance.permutation_p_value",
    "pipeline.predicting.picture_paths.find_pictures",
    "trainer_module.data.weighting.row_weights",
    "trainer_module.stages.optimizer.warmup_cosine",
    "trainer_module.stages.objectives.create_objective",
    "trainer_module.data.augmentation.RandomView",
    "trainer_module.classifier.build_classifier",
    "components.image_example_gen.splits.assign_split",
    "pipeline.inputs.system_files.describe_skipped",
    "pipeline.inputs.system_files.skipped_kind",
    "trainer_module.backbones.backbone.build_backbone",
    "trainer_module.backbones.backbone_registry.backbone_names",
    "trainer_module.contract.locations.local_path",
    "trainer_module.contract.locations.locate",
    "trainer_module.export.calibration.expected_calibration_error",
    "trainer_module.export.calibration.fit_temperature",
]


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_prints_what_the_docstring_says(name):
    documented = pkgutil.resolve_name(name)
    test = doctest.DocTestParser().get_doctest(
        inspect.getdoc(documented) or "", globs={}, name=name, filename=None, lineno=None
    )
    assert test.examples, f"{name} has no example (>>>) in its docstring"
    report: list[str] = []
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    result = runner.run(test, out=report.append)
    assert result.failed == 0, "".join(report)
