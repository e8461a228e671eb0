"""Values of the options of one trial. Imports nothing that is slow."""

from typing import TypeAlias, TypeVar

from trainer_module.training_options import TrainingOptions

#: Value of an option in the search space.
Value: TypeAlias = int | float | str

#: Values of a trial, by the dotted keys of the config.
Values: TypeAlias = dict[str, Value]

#: Significant digits of a learning rate.
DIGITS = 2

AnyOptions = TypeVar("AnyOptions", bound=TrainingOptions)


def rounded(values: Values) -> Values:
    """Return values with learning rates that people can read: two significant digits."""
    return {
        key: float(f"{value:.{DIGITS}g}") if key.endswith(".learning_rate") else value
        for key, value in values.items()
    }


def with_values(options: AnyOptions, values: Values) -> AnyOptions:
    """Return options with the values of a trial.

    Args:
        options: Options as configured.
        values: Values by dotted key, see `search_space.search_space`.

    Raises:
        pydantic.ValidationError: A value is not allowed.
    """
    settings = options.model_dump()
    for key, value in values.items():
        group, name = key.split(".")
        settings[group][name] = value
    return type(options).model_validate(settings)


def changed_values(options: TrainingOptions, values: Values) -> Values:
    """Return the values that differ from the config, by dotted key."""
    settings = options.model_dump()
    changed: Values = {}
    for key, value in values.items():
        group, name = key.split(".")
        if settings[group][name] != value:
            changed[key] = value
    return changed
