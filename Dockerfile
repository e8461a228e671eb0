# The image in which every step runs on Kubeflow, see docs/kubeflow.md.
#   docker build --tag REGISTRY/carryover:1 .
#   docker build --tag REGISTRY/carryover:1-gpu --build-arg VARIANT=gpu .
# A release pins the base image by digest, see CONTRIBUTING.md:
#   docker build --build-arg BASE=python:3.13-slim-trixie@sha256:DIGEST .

ARG BASE=python:3.13-slim-trixie

FROM $BASE AS build
ARG VARIANT=cpu
# pyfarmhash, which TFX needs, has no wheels.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends g++ \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY requirements/bootstrap.txt requirements/tfx-1.21.txt requirements/tfx-1.21-gpu.txt requirements/
# The lock of production: no development tools. uv stays in this stage.
RUN python -m venv /build/uv \
 && /build/uv/bin/pip install --no-cache-dir --require-hashes -r requirements/bootstrap.txt \
 && python -m venv /opt/carryover \
 && /build/uv/bin/uv pip install --no-cache --python /opt/carryover/bin/python \
    --require-hashes -r requirements/tfx-1.21.txt
# TensorFlow's CUDA libraries; the driver is the node's.
RUN if [ "$VARIANT" = gpu ]; then \
      /build/uv/bin/uv pip install --no-cache --python /opt/carryover/bin/python \
        --require-hashes -r requirements/tfx-1.21-gpu.txt; \
    fi
COPY setup.py pyproject.toml carryover_command.py ./
COPY pipeline pipeline
COPY components components
COPY trainer_module trainer_module
RUN /opt/carryover/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM $BASE
COPY --from=build /opt/carryover /opt/carryover
# Kubeflow's launcher runs as this user, too, and copies artifacts to folders of these names.
RUN useradd --uid 1000 --create-home carryover \
 && mkdir /gcs /s3 /minio \
 && chown carryover:carryover /gcs /s3 /minio
# Kubeflow's launcher imports TensorFlow before our packages, which set the others for the commands.
ENV PATH=/opt/carryover/bin:$PATH \
    TF_ENABLE_ONEDNN_OPTS=1 \
    TF_FORCE_GPU_ALLOW_GROWTH=true
USER 1000
WORKDIR /home/carryover
HEALTHCHECK --interval=5m --timeout=2m CMD ["carryover", "doctor"]
CMD ["carryover", "--help"]
