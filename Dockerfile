# The image in which every step runs on Kubeflow, see docs/kubeflow.md.
#   docker build --tag REGISTRY/carryover:1 .
#   docker build --tag REGISTRY/carryover:1-gpu --build-arg VARIANT=gpu .

FROM python:3.13-slim-trixie AS build
ARG VARIANT=cpu
# pyfarmhash, which TFX needs, has no wheels.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends g++ \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY requirements/bootstrap.txt requirements/tfx-1.21.txt requirements/
RUN python -m venv /opt/carryover \
 && /opt/carryover/bin/pip install --no-cache-dir --require-hashes -r requirements/bootstrap.txt \
 && /opt/carryover/bin/uv pip install --no-cache --python /opt/carryover/bin/python \
    --require-hashes -r requirements/tfx-1.21.txt
# TensorFlow's CUDA libraries; the driver is the node's.
RUN if [ "$VARIANT" = gpu ]; then \
      version="$(/opt/carryover/bin/python -c \
        'from importlib.metadata import version; print(version("tensorflow"))')" \
   && /opt/carryover/bin/uv pip install --no-cache --python /opt/carryover/bin/python \
        "tensorflow[and-cuda]==$version"; \
    fi
COPY setup.py pyproject.toml ./
COPY pipeline pipeline
COPY components components
COPY trainer_module trainer_module
RUN /opt/carryover/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.13-slim-trixie
COPY --from=build /opt/carryover /opt/carryover
# Kubeflow's launcher runs as this user, too, and copies artifacts to folders of these names.
RUN useradd --uid 1000 --create-home carryover \
 && mkdir /gcs /s3 /minio \
 && chown carryover:carryover /gcs /s3 /minio
ENV PATH=/opt/carryover/bin:$PATH
USER 1000
WORKDIR /home/carryover
HEALTHCHECK --interval=5m --timeout=2m CMD ["carryover", "doctor"]
CMD ["carryover", "--help"]
