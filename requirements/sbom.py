"""Write the software bill of materials of a release: `make sbom`.

One CycloneDX file per production lock and variant, in dist, from the lock alone: what is installed
on Linux with the preferred Python of the stack, with hashes.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from bootstrap import ROOT, STACKS, Stack
from lock_file import read_lock
from packaging.markers import Marker

#: Where the packages are installed; the version of Python is added.
PLATFORM = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "sys_platform": "linux",
}


def requirements(stack: Stack, kinds: tuple[str, ...]) -> list[str]:
    """Return what is installed from locks of a stack: requirements with hashes."""
    version = stack.pythons[0]
    target = PLATFORM | {"python_version": version, "python_full_version": f"{version}.0"}
    packages = [one for kind in kinds for one in read_lock(ROOT / stack.lock(kind))]
    return [
        one.requirement for one in packages if not one.marker or Marker(one.marker).evaluate(target)
    ]


def package_version() -> str:
    """Return the version of this package."""
    [version] = re.findall(r'^    version="(.+)",$', (ROOT / "setup.py").read_text(), re.MULTILINE)
    return version


def write_sbom(path: Path, packages: list[str], version: str) -> None:
    """Write the bill of materials of a list of requirements."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder, "pyproject.toml")
        project.write_text(
            f'[project]\nname = "carryover"\nversion = "{version}"\nlicense = "Apache-2.0"\n'
        )
        listed = Path(folder, "requirements.txt")
        listed.write_text("\n".join(packages) + "\n")
        options = ("--output-reproducible", "--pyproject", str(project), "-o", str(path))
        quiet = ("-W", "ignore::UserWarning")  # that a lock does not say what needs what
        command = (sys.executable, *quiet, "-m", "cyclonedx_py", "requirements", *options)
        subprocess.run((*command, str(listed)), check=True)


def main() -> None:
    """Write all files and print their names."""
    version = package_version()
    (ROOT / "dist").mkdir(exist_ok=True)
    for stack in STACKS:
        for variant, kinds in (("", ("",)), ("-gpu", ("", "-gpu"))):
            path = ROOT / "dist" / f"carryover-{version}-{stack.name}{variant}.cdx.json"
            packages = requirements(stack, kinds)
            write_sbom(path, packages, version)
            print(f"{path.relative_to(ROOT)}: {len(packages)} packages")


if __name__ == "__main__":
    main()
