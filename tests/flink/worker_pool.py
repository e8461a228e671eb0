"""Beam's worker pool for one task manager: `python worker_pool.py ADDRESS:PORT [PROGRAM]`.

The program starts a worker, in place of the pool itself, as Beam's containers do.

Beam's own program listens on every interface and is meant to be alone on a machine: task managers
number their workers from one, so two that share a pool stop each other's workers.
"""

import sys

import grpc
from apache_beam.portability.api import beam_fn_api_pb2_grpc
from apache_beam.runners.worker.worker_pool_main import BeamFnExternalWorkerPoolServicer
from apache_beam.utils import thread_pool_executor

if __name__ == "__main__":
    program = sys.argv[2] if len(sys.argv) > 2 else None
    server = grpc.server(thread_pool_executor.shared_unbounded_instance())
    server.add_insecure_port(sys.argv[1])
    beam_fn_api_pb2_grpc.add_BeamFnExternalWorkerPoolServicer_to_server(
        BeamFnExternalWorkerPoolServicer(use_process=True, container_executable=program), server
    )
    server.start()
    server.wait_for_termination()
