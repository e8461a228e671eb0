"""What was forgotten, on the terminal."""

from collections.abc import Iterator

from pipeline.forgetting.forgetting import Forgotten
from pipeline.retention.cleaning_table import show_removed
from pipeline.retention.disk_size import readable_size
from pipeline.terminal.plain_lines import json_line, print_line
from trainer_module.contract.output_text.wording import counted, listed


def show_forgotten(forgotten: Forgotten) -> None:
    """Print what was removed, which versions are concerned, and what is still elsewhere.

    Args:
        forgotten: Result of the command.
    """
    is_dry_run = forgotten.file is None
    show_removed(forgotten.removed, is_dry_run)
    for line in _version_lines(forgotten, is_dry_run):
        print_line(line)
    if forgotten.elsewhere:
        print_line(
            f"Still there, in data or the inbox: {listed(forgotten.elsewhere)}. Remove them, or "
            "the next run or delivery reads them again."
        )
    size = readable_size(sum(one.size for one in forgotten.removed))
    count = counted(len(forgotten.receipt["pictures"]), "picture")
    verb = "would forget" if is_dry_run else "forgot"
    print_line(f"{verb} {count}, {size}")
    if forgotten.file:
        print_line(f"Receipt: {forgotten.file}")


def show_json(forgotten: Forgotten) -> None:
    """Print the same as one line of JSON.

    Args:
        forgotten: Result of the command.
    """
    values = {
        "receipt": forgotten.receipt,
        "file": forgotten.file and str(forgotten.file),
        "elsewhere": forgotten.elsewhere,
    }
    print(json_line(values), flush=True)


def _version_lines(forgotten: Forgotten, is_dry_run: bool) -> Iterator[str]:
    for version in forgotten.receipt["versions"]:
        name = f"{version['model']} version {version['version']}"
        counts = [f"{count} in {split}" for split, count in version["pictures"].items() if count]
        if earlier := version["may_continue_versions"]:
            counts.append(f"it may continue version {listed(map(str, earlier))}")
        what = "was trained on them" if version["is_trained_on_them"] else "was tested on them"
        if version["is_retired"]:
            end = "would be retired" if is_dry_run else "is retired"
        else:
            end = (
                "stays: its weights were made with them"
                if version["is_trained_on_them"]
                else "stays"
            )
        detail = f" ({', '.join(counts)})" if counts else ""
        yield f"{name} {what}{detail}; it {end}."
    for model, number in forgotten.receipt["serving"].items():
        if not is_dry_run:
            serves = f"version {number} serves" if number else "no version serves"
            yield f"{model}: {serves}."
