"""Look up known vulnerabilities of what production installs: `make audit`.

Runs pip-audit, which asks the database of osv.dev for every version in the production locks.
Arguments go to pip-audit: `--osv-url URL` names a mirror of the database.
Advisories that SECURITY.md lists are known. Exit codes: 0, no other advisory; 1, there are others;
3, the database is unavailable, or some packages could not be checked.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from bootstrap import ROOT
from lock_file import LockedPackage, production_locks

#: Exit code where nothing can be said.
UNAVAILABLE = 3

#: Most characters of pip-audit's messages that are shown.
MAX_REASON = 200

_ADVISORY = re.compile(r"(?:CVE|GHSA|PYSEC)-[\w-]+")


class Finding(NamedTuple):
    """An advisory that covers a version in a lock.

    Attributes:
        package: Name and version.
        ids: Its identifiers.
        fixed_in: Versions without it.
    """

    package: str
    ids: tuple[str, ...]
    fixed_in: tuple[str, ...]


def known_advisories(text: str) -> dict[str, set[str]]:
    """Return the advisories in the tables of SECURITY.md, by package and version ("name 1.0")."""
    known = defaultdict(set)
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) > 1:
            for package in cells[1].split(", "):
                known[package].update(_ADVISORY.findall(cells[0]))
    return {package: ids for package, ids in known.items() if ids}


def rounds(packages: set[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    """Split versions into lists that pip-audit takes: each has a package once."""
    made: list[list[tuple[str, str]]] = []
    used: defaultdict[str, int] = defaultdict(int)
    for name, version in sorted(packages):
        if used[name] == len(made):
            made.append([])
        made[used[name]].append((name, version))
        used[name] += 1
    return made


def look_up(packages: list[tuple[str, str]], *arguments: str) -> list[dict[str, Any]]:
    """Return pip-audit's record of each package; end where it cannot reach the database."""
    with tempfile.TemporaryDirectory() as folder:
        asked, answer = Path(folder, "packages.txt"), Path(folder, "answer.json")
        asked.write_text("".join(f"{name}=={version}\n" for name, version in packages))
        options = ("--no-deps", "--disable-pip", "--progress-spinner", "off", "--format", "json")
        service = ("--vulnerability-service", "osv", "--aliases", "on", *arguments)
        files = ("--requirement", str(asked), "--output", str(answer))
        command = (sys.executable, "-m", "pip_audit", *options, *service, *files)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if not answer.exists():
            last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
            reason = last.rpartition("Caused by ")[-1][:MAX_REASON]
            give_up(f"the vulnerability database is unavailable: {reason}")
        return json.loads(answer.read_text())["dependencies"]


def give_up(reason: str) -> NoReturn:
    """End with one line on stderr and the exit code that says that nothing was decided."""
    print(
        f"audit: {reason}. The locks are not checked. SECURITY.md lists the known advisories.",
        file=sys.stderr,
    )
    sys.exit(UNAVAILABLE)


def findings(records: list[dict[str, Any]]) -> list[Finding]:
    """Return what pip-audit's records say."""
    return [
        Finding(
            f"{record['name']} {record['version']}",
            (vulnerability["id"], *vulnerability.get("aliases", ())),
            tuple(vulnerability["fix_versions"]),
        )
        for record in records
        for vulnerability in record.get("vulns", ())
    ]


def describe(finding: Finding, locks: dict[str, list[LockedPackage]]) -> str:
    """Return a line about an advisory that SECURITY.md does not list."""
    inside = [
        name
        for name, packages in locks.items()
        if any(f"{one.name} {one.version}" == finding.package for one in packages)
    ]
    fixed = f"fixed in {', '.join(finding.fixed_in)}" if finding.fixed_in else "no fix known"
    return f"{finding.package}: {', '.join(finding.ids)} ({fixed}; {', '.join(inside)})"


def main() -> None:
    """Print the advisories that SECURITY.md does not list, and end with the exit code."""
    locks = production_locks()
    packages = {(one.name, one.version) for lock in locks.values() for one in lock}
    records = [record for part in rounds(packages) for record in look_up(part, *sys.argv[1:])]
    skipped = [record for record in records if "skip_reason" in record]
    if skipped:
        give_up(
            f"{len(skipped)} of {len(records)} packages could not be checked, "
            f"the first is {skipped[0]['name']}: {skipped[0]['skip_reason']}"
        )
    known = known_advisories((ROOT / "SECURITY.md").read_text(encoding="utf-8"))
    found = findings(records)
    new = [one for one in found if not known.get(one.package, set()) & set(one.ids)]
    for one in new:
        print(describe(one, locks))
    print(
        f"audit: {len(records)} versions in {len(locks)} locks: {len(new)} new advisories, "
        f"{len(found) - len(new)} known ones, see SECURITY.md"
    )
    sys.exit(1 if new else 0)


if __name__ == "__main__":
    main()
