"""A scenario is one object: nothing but its declaration knows one of them by its name."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from inventory.places import PROJECT_ROOT
from loadtests.plan.scenarios import SCENARIOS

PACKAGES = ("loadtests", "loanstack", "chaos", "proof")
DOCUMENT = PROJECT_ROOT / "docs" / "load.md"


def sources() -> dict[Path, ast.Module]:
    files = (path for package in PACKAGES for path in sorted((PROJECT_ROOT / package).rglob("*.py")))
    return {path: ast.parse(path.read_text()) for path in files}


def is_name(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Constant) and node.value in SCENARIOS


def constants_in(tree: ast.AST) -> Iterator[str]:
    """Yield each variable of `tree` that holds the name of a scenario."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and is_name(node.value):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))
        if isinstance(node, ast.AnnAssign) and is_name(node.value) and isinstance(node.target, ast.Name):
            yield node.target.id


def asks_for_one(tree: ast.AST, constants: frozenset[str] = frozenset()) -> list[int]:
    """Return the lines that compare something with a scenario's name, or look something up by it.

    + constants: variables that hold such a name
    """

    def knows(node: ast.AST) -> bool:
        for inner in ast.walk(node):
            variable = getattr(inner, "id", None) or getattr(inner, "attr", None)
            if is_name(inner) or (isinstance(inner, ast.Name | ast.Attribute) and variable in constants):
                return True
        return False

    found = []
    for node in ast.walk(tree):
        match node:
            case ast.Compare():
                parts = [node.left, *node.comparators]
            case ast.MatchValue():
                parts = [node.value]
            case ast.Subscript():
                parts = [node.slice]
            case ast.Dict():
                parts = [key for key in node.keys if key is not None]
            case ast.Call(func=ast.Attribute(attr="get" | "startswith" | "endswith")):
                parts = node.args[:1]
            case _:
                continue
        found += [node.lineno] if any(knows(each) for each in parts) else []
    return found


def test_nothing_asks_which_scenario_it_is() -> None:
    trees = sources()
    constants = frozenset(name for tree in trees.values() for name in constants_in(tree))
    found = {
        str(path.relative_to(PROJECT_ROOT)): lines
        for path, tree in trees.items()
        if path.name != "scenarios.py" and (lines := asks_for_one(tree, constants))
    }
    assert not found


@pytest.mark.parametrize(
    "text",
    [
        "asked.scenario == 'soak'",
        "'soak' != scenario",
        "scenario in ('journey', 'analytics')",
        "scenario in {SOAK}",
        "options.SOAK == scenario",
        "SCENARIOS['multi-entity']",
        "LIMITS.get('soak', 0)",
        "DURATION_S = {'soak': 3600.0}",
        "match scenario:\n    case 'soak': pass",
    ],
)
def test_a_comparison_with_a_scenario_is_found(text: str) -> None:
    assert asks_for_one(ast.parse(text), frozenset({"SOAK"}))
    assert list(constants_in(ast.parse("SOAK = 'soak'\nREPORTS: str = 'analytics'"))) == ["SOAK", "REPORTS"]


@pytest.mark.parametrize(
    "text", ["kind == 'soap'", "SCENARIOS[name].storm", "name in SCENARIOS", "a = 'soak'"]
)
def test_other_comparisons_are_not(text: str) -> None:
    assert not asks_for_one(ast.parse(text))


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_has_a_row_in_the_documents(name: str) -> None:
    assert f"| `{name}`" in DOCUMENT.read_text()
