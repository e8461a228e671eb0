"""Beam's workers on this machine import what the command imports."""

import subprocess

import pytest
from repository import ROOT
from tiny_pictures import write_files

from trainer_module.contract.child_process import isolated_python

pytestmark = [pytest.mark.component, pytest.mark.slow]

SHADOW = b"raise SystemExit('a package of the user was imported')"

PROGRAM = """
import os
import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from components.compat.beam_internals import ISOLATED_RUNNER

def facts(number):
    import calendar, os
    import components.pusher.version_store as store
    return f"{os.getpid()} {store.__file__} {calendar.__file__}"

options = PipelineOptions([f"--runner={ISOLATED_RUNNER}", "--direct_num_workers=2"])
with beam.Pipeline(options=options) as pipeline:
    rows = pipeline | beam.Create(range(4)) | beam.Reshuffle() | beam.Map(facts)
    _ = rows | beam.io.WriteToText("out")
print(os.getpid())
"""


def test_folders_in_the_working_directory_hide_nothing_from_the_workers(tmp_path):
    names = ("components/__init__.py", "pipeline.py", "calendar.py", "runpy.py", "grpc.py")
    write_files(tmp_path, dict.fromkeys(names, SHADOW))
    done = subprocess.run(
        isolated_python(PROGRAM), cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    rows = [
        line for path in tmp_path.glob("out*") for line in path.read_text().splitlines() if line
    ]
    assert len(rows) == 4
    for row in rows:
        process, store, calendar = row.split()
        assert process != done.stdout.strip()
        assert store == str(ROOT / "components" / "pusher" / "version_store.py")
        assert not calendar.startswith(str(tmp_path))
