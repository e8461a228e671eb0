"""Options of `carryover serve` about new versions: whether they are first in shadow."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.pusher.promoted_version import read_promoted
from components.pusher.version_store import VersionStore
from pipeline.config.config_file import load_config
from pipeline.terminal.plain_lines import print_line
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError
from trainer_module.contract.printable_names import shortened

#: Least confident predictions on which a version is decided, or all of the wanted pictures where
#: those are fewer. Of 50 with a true share of 0.1, 95 % of samples have a share of 0.02 to 0.18.
MIN_CONFIDENT = 50

#: The same as a share of the wanted pictures: who wants more of them wants to be surer.
MIN_CONFIDENT_SHARE = 0.1

#: Group of the config that the options are in.
GROUP = "serve"


@dataclass(frozen=True)
class ShadowOptions:
    """When a new version serves.

    Attributes:
        is_on: Whether it is in shadow before.
        num_pictures: Pictures that it predicts in shadow.
        max_disagreement: Largest share of the confident predictions of the serving version that it
            may contradict, 0 to 1.
        command: Program and arguments that get a notice when a shadow has ended; none if empty.
    """

    is_on: bool
    num_pictures: int
    max_disagreement: float
    command: tuple[str, ...] = ()

    @property
    def num_confident(self) -> int:
        """Confident predictions of the serving version that a decision needs, at least."""
        least = min(MIN_CONFIDENT, self.num_pictures)
        return max(least, math.ceil(self.num_pictures * MIN_CONFIDENT_SHARE))


def read_shadow_options(
    store: VersionStore, path: Path | None, overrides: Sequence[str], is_on: bool | None
) -> ShadowOptions:
    """Return the options, by default those of the config of the serving version's run.

    A version in shadow does not decide on itself: the serving version is the one before it. Where
    no config and no option says whether there is a shadow, one that there was before stays.

    Args:
        store: Versions of the model.
        path: Config to read in place of that one, the value of `--config`.
        overrides: Values of `--set`.
        is_on: `--shadow` (True) or `--no-shadow` (False); None for neither, as the config says.

    Raises:
        InputError: The given config is unreadable, or an override is no valid value of `serve`.
    """
    for override in overrides:
        key = override.partition("=")[0].strip()
        if key.partition(".")[0] != GROUP:
            raise InputError(
                f"--set {shortened(key)}: carryover serve takes keys of `{GROUP}` alone, such as "
                f"{GROUP}.shadow_pictures=500."
            )
    values: dict[str, Any] = {"workspace": store.root, "name": store.name}
    promoted = _find_promoted(store)
    inherited = _find_config(store, promoted, values) if path is None else None
    file = path or inherited
    if inherited is None:
        values["data"] = str(store.root)  # the only key without a default; nothing is read of it
    config = load_config(file, list(overrides), values, inherited is not None)
    if is_on is None:
        is_on = config.serve.promote == "after_shadow"
        if promoted is not None and "promote" not in config.serve.model_fields_set:
            is_on = True
            text = (
                f"carryover: no config says whether new versions are first in shadow. The last "
                f"server had a shadow, so this one has it, too, and version {promoted} serves. "
                "--no-shadow lets the newest version serve at once"
            )
            print_line(text, to_stderr=True)
    return ShadowOptions(
        is_on,
        config.serve.shadow_pictures,
        config.serve.max_disagreement,
        config.notify.command,
    )


def _find_promoted(store: VersionStore) -> int | None:
    """Return the newest version that may serve; None if all may, or if nobody knows."""
    try:
        return read_promoted(store)
    except InputError:
        return None  # `open_shadow_state` tells it


def _find_config(store: VersionStore, promoted: int | None, values: dict[str, Any]) -> Path | None:
    """Return the config of the serving version's run; None where there is none that can be used.

    A server starts whatever became of the folders of runs.
    """
    workspace = Workspace(store.root)
    numbers = [one for one in store.versions() if promoted is None or one <= promoted]
    try:
        run_id = store.read_push(numbers[-1]).run_id if numbers else ""
        if not run_id or not (workspace.runs / run_id).is_dir():
            return None
        workspace.read_config(run_id)  # a file that was cut off may hold valid YAML
        file = workspace.config_file(run_id)
        load_config(file, [], values, is_inherited=True)
    except InputError as error:
        text = f"carryover: {error} Until then the keys of `{GROUP}` have their defaults."
        print_line(text, to_stderr=True)
        return None
    return file
