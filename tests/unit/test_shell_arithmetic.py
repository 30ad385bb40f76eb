"""No shell that goes to hosts computes: bash runs what a number from outside may contain.

`$((x))`, `((x))`, `[[ x -lt 1 ]]`, `let` and `declare -i` evaluate the subscripts of arrays in the text that
`x` holds, so root runs `a[$(reboot)]` from a peer, a database or a service's file. Tools compute in Python
(`hosttools.numbers`); a snippet compares with `[ x -lt 1 ]`, which takes digits alone.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from inventory.places import PROJECT_ROOT

_ARITHMETIC = re.compile(
    r"\$\(\("
    r"|\$\["
    r"|(?:^|[;&|{!(]|\b(?:if|elif|while|until|do|then|else))\s*\(\((?!\?)"
    r"|\[\[[^\n]*\s-(?:eq|ne|lt|le|gt|ge)\s"
    r"|(?:^|[;&|{])\s*let\s+\w+[+*/=-]"
    r"|\b(?:declare|local|typeset)\s+-[a-z]*i",
    re.MULTILINE,
)
_SHELL = re.compile(r"^#!\s*\S*\b(?:ba|da|k)?sh\b")
_UNITS = (".service", ".timer", ".socket", ".path")
_SENDERS = ("deploys", "chaos", "failover", "loanstack", "loadtests", "processes")
"""Packages with commands for hosts in their strings."""

_ALLOWED = {
    (
        "deploys/failover/operations.py",
        "end=$(($(date +%s) + {})); ",
    ): "the host's own clock, and a number of ours",
    ("deploys/operations/health.py", "end=$(($(date +%s) + {})); until {}; do "): (
        "the host's own clock, and a number of ours"
    ),
    (
        "deploys/oceanbase/operations.py",
        "do tries=$((tries + 1)); ",
    ): "a counter that the same command begins with 0",
}
"""Why a piece of shell may compute, by file and by its text around the place; {} stands for a value."""


def is_computing(text: str) -> bool:
    return _ARITHMETIC.search(text) is not None


def _strings(tree: ast.AST) -> Iterator[str]:
    """Every string in a program's source, with {} for the values in it."""
    inside = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            inside.update(id(each) for each in node.values)
            yield "".join(str(each.value) if isinstance(each, ast.Constant) else "{}" for each in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            yield node.value


def _shell_of(path: Path) -> Iterator[str]:
    if path.suffix == ".py":
        yield from _strings(ast.parse(path.read_text()))
        return
    text = path.read_text()
    if _SHELL.match(text) or path.name.removesuffix(".j2").endswith(_UNITS):
        yield text


def _sent_to_hosts() -> dict[str, list[str]]:
    files = [path for path in (PROJECT_ROOT / "templates").rglob("*") if path.is_file()]
    for package in _SENDERS:
        files += (PROJECT_ROOT / package).rglob("*.py")
    return {str(path.relative_to(PROJECT_ROOT)): list(_shell_of(path)) for path in files}


SHELL = _sent_to_hosts()


def test_the_shell_of_this_checkout_is_found() -> None:
    for path in ("templates/host_tools/command.j2", "templates/oceanbase/loanstack-oceanbase.service.j2"):
        assert SHELL[path]
    assert any("systemctl" in text for text in SHELL["chaos/system/host_fault.py"])


def test_no_shell_that_goes_to_hosts_computes() -> None:
    for path, texts in SHELL.items():
        for text in texts:
            for file, allowed in _ALLOWED:
                if file == path:
                    text = text.replace(allowed, "")
            found = _ARITHMETIC.search(text)
            assert found is None, f"{path}: {text[found.start() :][:80]!r}: compute in Python instead"


def test_every_exception_is_still_needed() -> None:
    for path, allowed in _ALLOWED:
        assert any(is_computing(allowed) and allowed in text for text in SHELL[path]), (path, allowed)


@pytest.mark.parametrize(
    "text",
    [
        "end=$(($(now_ms) + 1))",
        "((left > 0)) || break",
        "    if ((SECONDS >= end)); then",
        "while x && ((y)); do",
        "until (( $(scn) >= $1 )); do :; done",
        "[[ $(clients) -ge 1 ]]",
        "echo $[x + 1]",
        "let n+=1",
        "declare -i n",
        "local -ri n=$1",
    ],
)
def test_arithmetic_is_recognized(text: str) -> None:
    assert is_computing(text)


@pytest.mark.parametrize(
    "text",
    [
        '[ "$free_kib" -gt 3 ]',
        "sed -E 's/((a))/b/'",
        "INSERT INTO t VALUES ((1))",
        "let it reach etcd",
        "x=$(cat file)",
        "(cd /x && ls)",
        "[[ $role == PRIMARY ]]",
    ],
)
def test_other_shell_is_not_taken_for_it(text: str) -> None:
    assert not is_computing(text)
