"""`make audit` tells new advisories from known ones, and both from knowing nothing."""

import json
import sys
from pathlib import Path
from typing import Any

import audit
import pytest
from lock_file import LockedPackage, production_locks
from repository import ROOT

SECURITY = """
| advisory | version in a lock | why |
|---|---|---|
| CVE-2023-47248, GHSA-5wvp-7f3h-6wmm | pyarrow 10.0.1, pyarrow 18.1.0 | CVE-1999-1 |
Text about CVE-2024-3660.
"""

#: Stands for pip-audit: reads the requirements, and writes an answer with what is in ANSWERS.
TOOL = """
import json, os, sys
arguments = dict(zip(sys.argv[1:], sys.argv[2:]))
answers = json.loads(os.environ["ANSWERS"])
asked = [line.strip().split("==") for line in open(arguments["--requirement"])]
records = [answers.get(name, {"vulns": []}) | {"name": name, "version": v} for name, v in asked]
json.dump({"dependencies": records}, open(arguments["--output"], "w"))
"""

UNREACHABLE = """
import sys
sys.exit("Traceback (most recent call last):\\n  File x\\nrequests.exceptions.ConnectionError: "
         "HTTPSConnectionPool(host='db'): Max retries exceeded (Caused by NameResolutionError(db))")
"""


@pytest.fixture(name="run_audit")
def _run_audit(tmp_path, monkeypatch, capsys):
    """Run the command on one lock of two packages, with this text as pip-audit."""

    def run(tool: str, **answers: Any) -> tuple[Any, str, str]:
        (tmp_path / "pip_audit.py").write_text(tool)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        monkeypatch.setenv("ANSWERS", json.dumps(answers))
        monkeypatch.setattr(sys, "argv", ["audit.py"])
        (tmp_path / "SECURITY.md").write_text(SECURITY)
        monkeypatch.setattr(audit, "ROOT", tmp_path)
        packages = [LockedPackage(name, "10.0.1", "", "") for name in ("pyarrow", "scipy")]
        monkeypatch.setattr(audit, "production_locks", lambda: {"a.txt": packages})
        with pytest.raises(SystemExit) as stopped:
            audit.main()
        return stopped.value.code, *capsys.readouterr()

    return run


def vulnerable(*ids: str) -> dict[str, Any]:
    return {"vulns": [{"id": ids[0], "aliases": ids[1:], "fix_versions": ["14.0.1"]}]}


def test_an_advisory_of_security_md_is_known_by_any_of_its_names(run_audit):
    code, printed, _ = run_audit(TOOL, pyarrow=vulnerable("PYSEC-2023-238", "CVE-2023-47248"))
    assert code == 0
    assert printed == (
        "audit: 2 versions in 1 locks: 0 new advisories, 1 known ones, see SECURITY.md\n"
    )


@pytest.mark.parametrize(
    ("package", "advisory"),
    [
        ("scipy", "CVE-2023-47248"),  # known for another package
        ("pyarrow", "CVE-2024-3660"),  # named in the text only
        ("pyarrow", "CVE-1999-1"),  # named in another column
    ],
)
def test_any_other_advisory_is_new(run_audit, package, advisory):
    code, printed, _ = run_audit(TOOL, **{package: vulnerable(advisory)})
    assert code == 1
    assert printed.splitlines()[0] == f"{package} 10.0.1: {advisory} (fixed in 14.0.1; a.txt)"


def test_a_database_that_is_unavailable_is_one_line_and_its_own_exit_code(run_audit):
    code, printed, error = run_audit(UNREACHABLE)
    assert (code, printed) == (3, "")
    assert error == (
        "audit: the vulnerability database is unavailable: NameResolutionError(db)). The locks are "
        "not checked. SECURITY.md lists the known advisories.\n"
    )


def test_packages_that_could_not_be_checked_are_not_taken_for_safe_ones(run_audit):
    code, _, error = run_audit(TOOL, scipy={"skip_reason": "not found"})
    assert code == 3
    assert "1 of 2 packages could not be checked, the first is scipy: not found" in error


def test_each_version_is_asked_for_once_and_no_round_has_a_package_twice():
    packages = {("a", "1"), ("a", "2"), ("a", "3"), ("b", "1"), ("c", "1"), ("c", "2")}
    made = audit.rounds(packages)
    assert sorted(one for part in made for one in part) == sorted(packages)
    assert [len({name for name, _ in part}) for part in made] == [len(part) for part in made]


def test_every_known_advisory_is_about_a_version_in_a_lock():
    known = audit.known_advisories(Path(ROOT, "SECURITY.md").read_text())
    versions = {f"{one.name} {one.version}" for lock in production_locks().values() for one in lock}
    assert "pyarrow 10.0.1" in known
    assert known.keys() - versions == set(), "the table of SECURITY.md is older than the locks"
