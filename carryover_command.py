"""Start of the `carryover` command.

It lies beside our packages: where a file of the user hides the package `pipeline`, no module in
that package can say so.
"""

import sys
from importlib.util import find_spec
from pathlib import Path


def check_packages(*names: str) -> None:
    """Exit with code 2 where a folder or a file of the user hides one of our packages.

    Args:
        names: Names of the packages to look for.
    """
    own = Path(__file__).resolve().parent
    for name in names:
        spec = find_spec(name)
        # A folder without an __init__.py has no origin.
        folders = list(spec.submodule_search_locations or []) if spec else []
        found = Path((spec.origin if spec else "") or next(iter(folders), name))
        if found.resolve() != own / name / "__init__.py":
            print(
                f"carryover: {str(found)!a} hides the package '{name}' of carryover. Take its "
                "folder out of PYTHONPATH, or run the command in another folder.",
                file=sys.stderr,
            )
            sys.exit(2)


def main() -> None:
    """Run the command, or name the file that hides the package that it is in."""
    check_packages("pipeline")
    from pipeline.cli import main as run_command

    run_command()


if __name__ == "__main__":
    main()
