"""Finds an environment by its name."""

from importlib import import_module

from inventory.model import Environment
from inventory.validation import check

ENVIRONMENT_NAMES = ("lab", "qinghai")


def environment(name: str) -> Environment:
    """Return the environment called `name`, checked.

    Raises:
        KeyError: there is no such environment; names the known ones.
        inventory.InventoryError: its values do not fit together; lists all problems.
    """
    if name not in ENVIRONMENT_NAMES:
        raise KeyError(f"no environment {name!r}; known: {', '.join(ENVIRONMENT_NAMES)}")
    found = import_module(f"inventory.{name}").ENVIRONMENT
    assert isinstance(found, Environment)
    return check(found)
