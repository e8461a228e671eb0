"""What we use of Beam beyond its documented API. Nothing else of ours may use it directly.

`tests/components/compat/test_beam_internals.py` fails when a new Beam moves any of it.
"""

#: Dotted path of the runner that Beam's DirectRunner wraps. By its documented name, DirectRunner
#: may hand a pipeline over to another runner (Prism), a program that it downloads. Beam takes the
#: dotted path of any runner in `--runner`.
FN_API_RUNNER = "apache_beam.runners.portability.fn_api_runner.FnApiRunner"

#: Dotted path of our runner with several processes, which is imported only where it runs.
ISOLATED_RUNNER = "components.compat.isolated_runner.IsolatedRunner"
