"""Who may import whom (docs/development.md). Fresh interpreters are asked, because imports may be lazy."""

import pkgutil
import subprocess
import sys
from importlib import import_module

import pytest

from inventory.places import PROJECT_ROOT
from lab.bundle import PACKAGES

OURS = frozenset(
    {"inventory", "deploys", "app_stub", "failover", "hosttools", "lab"}
    | {"processes", "proof", "loadtests", "chaos", "loanstack"}
)
ALLOWED = {
    "inventory": frozenset[str](),
    "app_stub": frozenset[str](),
    "failover": frozenset[str](),
    "hosttools": frozenset[str](),
    "deploys": frozenset({"inventory"}),
    "processes": frozenset({"inventory"}),
    "proof": frozenset({"inventory"}),
    "loadtests": frozenset({"inventory", "processes", "proof"}),
    "chaos": frozenset({"inventory", "processes", "proof"}),
    "lab": frozenset({"inventory"}),
    "loanstack": frozenset({"inventory", "deploys", "processes", "proof", "chaos", "loadtests", "lab"}),
}
PATCHING = ("gevent", "locust", "pyinfra")
"""They patch the process when imported, so nothing of the command may import them."""

OF_THE_COMMAND = frozenset({"loanstack", "chaos", "lab", "inventory", "processes", "proof"})

SCRIPTS = frozenset({"deploys.site", "loadtests.locustfile"})
"""Run by pyinfra and Locust, which import them with their own state around."""


def modules_of(package: str) -> list[str]:
    found = import_module(package)
    names = [m.name for m in pkgutil.walk_packages(found.__path__, prefix=f"{package}.")]
    return [name for name in names if name not in SCRIPTS and not name.endswith(".__main__")]


def loaded_after_importing(modules: list[str]) -> set[str]:
    program = "import sys\n" + "\n".join(f"import {m}" for m in modules) + "\nprint('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=PROJECT_ROOT
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize("package", sorted(ALLOWED))
def test_a_package_imports_only_what_it_may(package: str) -> None:
    modules = modules_of(package)
    loaded = loaded_after_importing([package, *modules])
    names = {name.split(".")[0] for name in loaded}
    assert names & OURS <= {package} | ALLOWED[package]
    if package in OF_THE_COMMAND:
        assert not names & set(PATCHING)


INSIDE: dict[str, dict[str, frozenset[str]]] = {
    "failover": {
        "core": frozenset(),
        "host": frozenset({"core", "settings", "signature", "clock"}),
        "etcd": frozenset({"core", "settings", "signature", "clock"}),
        "api": frozenset({"core", "etcd", "settings", "signature", "clock"}),
    },
    "proof": {
        "record": frozenset(),
        "checkers": frozenset({"record", "files", "history", "verdict"}),
        "outage": frozenset({"record"}),
        "objectives": frozenset({"titles", "verdict"}),
    },
    "loadtests": {
        "plan": frozenset(),
        "results": frozenset({"plan"}),
        "users": frozenset({"plan"}),
        "transport": frozenset({"plan", "users"}),
        "engine": frozenset({"plan", "results", "transport", "users"}),
        "workers": frozenset({"plan", "results", "engine", "transport", "users"}),
    },
    "chaos": {
        "system": frozenset(),
        "catalogue": frozenset({"system"}),
        "recorders": frozenset({"system"}),
        "engine": frozenset({"catalogue", "recorders", "system"}),
    },
    "loanstack": {
        "system": frozenset(),
        "measure": frozenset({"system"}),
        "runs": frozenset({"measure", "system"}),
        "results": frozenset({"runs", "measure", "system"}),
        "companions": frozenset({"runs", "measure", "system"}),
        "capacity": frozenset({"runs", "measure", "system"}),
        "report": frozenset({"capacity", "companions", "measure", "results", "runs", "system"}),
        "judging": frozenset({"capacity", "measure", "results", "runs", "system"}),
        "commands": frozenset(
            {"capacity", "companions", "judging", "measure", "report", "results", "runs", "system"}
        ),
    },
}
"""Package -> part of it -> the other parts that it may import."""


@pytest.mark.parametrize(("package", "part"), [(name, part) for name in INSIDE for part in INSIDE[name]])
def test_a_part_imports_only_what_it_may(package: str, part: str) -> None:
    whole = f"{package}.{part}"
    loaded = loaded_after_importing(
        [whole] if part in {"record", "outage", "objectives"} else modules_of(whole)
    )
    ours = {name.split(".")[1] for name in loaded if name.startswith(f"{package}.")}
    assert ours <= {part} | INSIDE[package][part]


@pytest.mark.parametrize("packages", PACKAGES.values(), ids=PACKAGES)
def test_a_bundle_holds_all_of_ours_that_its_package_imports(packages: tuple[str, ...]) -> None:
    loaded = loaded_after_importing(modules_of(packages[0]))
    assert {name.split(".")[0] for name in loaded} & OURS <= set(packages)


def test_the_decision_needs_nothing_but_the_standard_library() -> None:
    before, after = (loaded_after_importing(names) for names in ([], modules_of("failover.core")))
    assert {name.split(".")[0] for name in after - before} <= {"failover", *sys.stdlib_module_names}
