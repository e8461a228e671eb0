import subprocess
import sys


def test_a_pass_with_nothing_to_do_needs_neither_tensorflow_nor_beam():
    code = (
        "import sys, pipeline.retraining.retraining_pass, pipeline.retraining.judging;"
        "print({'tensorflow', 'apache_beam', 'tfx'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
