"""The inventory: what is deployed, validated, loaded, broken on purpose and judged.

`environment("lab")` returns a checked environment; the environments themselves are the modules
`inventory.lab` and `inventory.qinghai`, which pyinfra reads directly as well.
"""

from inventory.environments import ENVIRONMENT_NAMES, environment
from inventory.problem import Problem
from inventory.validation import InventoryError

__all__ = ["ENVIRONMENT_NAMES", "InventoryError", "Problem", "environment"]
