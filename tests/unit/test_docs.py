"""README and docs/ name only what exists: paths, links, command lines, make targets, modules, exit codes.

The helpers are pure functions over text and over click commands; they are tried on literals first.
"""

import re
import shlex
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import click
import pytest

from chaos.__main__ import main as chaos
from failover.cli import cli as failover_tool
from inventory.places import PROJECT_ROOT
from lab.cli import lab
from loanstack.cli.main import cli as loanstack
from proof.exits import ExitCode

READMES = (PROJECT_ROOT / "README.md", PROJECT_ROOT / "README.zh-CN.md")
DOCUMENTS = (*READMES, *sorted((PROJECT_ROOT / "docs").glob("*.md")))
README_LINES_MAX = 150
EXIT_CODE_HEADINGS = {"README.md": "Exit codes", "README.zh-CN.md": "退出码"}

PROGRAMS: dict[tuple[str, ...], click.Command] = {
    ("loanstack",): loanstack,
    ("loanstack-failover",): failover_tool,
    ("python", "-m", "chaos"): chaos,
    ("python", "-m", "lab"): lab,
}
"""How a command line begins -> what reads the rest of it."""

GENERATED = frozenset({"runs", "build", ".venv"})
"""Folders of a checkout that commands make: nobody can look into them before."""
SOURCE_SUFFIXES = (".py", ".md", ".toml", ".lock", ".j2", ".sql", ".java", ".css")
HELP = frozenset({"--help", "-h"})

_FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_PATH = re.compile(r"\.?[A-Za-z0-9_*][\w.*+-]*(/[\w.*+-]+)*/?")
_ASSIGNMENT = re.compile(r"[A-Z][A-Z_]*=\S*")
_PLACEHOLDER = re.compile(r"[A-Z_]+|<.*>|\.\.\.|…")
_SEPARATORS = frozenset({"|", "&&", "||", ";", ">", "&"})
_TARGET = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)


def code_lines(text: str) -> Iterator[str]:
    """Yield what stands in backticks, and each line of the fenced blocks."""
    for block in _FENCE.findall(text):
        yield from block.splitlines()[1:-1]
    for inline in _INLINE.findall(_FENCE.sub("", text)):
        # In a table a bar has to be escaped.
        yield inline.replace("\\|", "|")


def links(text: str) -> Iterator[str]:
    """Yield the paths that links lead to, without what is on the network or on the same page."""
    for target in _LINK.findall(_FENCE.sub("", text)):
        if "://" not in target and not target.startswith("#"):
            yield target.partition("#")[0]


def paths_in(line: str, roots: frozenset[str]) -> Iterator[str]:
    """Yield the words of a line of code that name a file or folder of the project.

    + roots: files and folders at the top of the project
    """
    for word in line.split():
        path = word.strip("[](),:;").split("::")[0]
        first = path.split("/")[0]
        if not _PATH.fullmatch(path) or first in GENERATED:
            continue
        if first in roots or path.endswith(SOURCE_SUFFIXES):
            yield path


def missing_paths(text: str, root: Path, roots: frozenset[str]) -> list[str]:
    """Return the paths in `text` below `root` at which there is nothing; stars stand for any name."""
    found = [path for line in code_lines(text) for path in paths_in(line, roots)]
    return sorted({path for path in found if not any(root.glob(path.rstrip("/")))})


def commands_of(line: str) -> list[list[str]]:
    """Return the words of each command in a line, without prompt, assignments and comment."""
    plain = line.replace("[", " ").replace("]", " ")
    try:
        words = shlex.split(plain, comments=True)
    except ValueError:
        # An apostrophe: it is prose.
        return []
    commands: list[list[str]] = [[]]
    for word in words:
        if word in _SEPARATORS:
            commands.append([])
        elif commands[-1] or not (word == "$" or _ASSIGNMENT.fullmatch(word)):
            commands[-1].append(word if commands[-1] else word.removeprefix(".venv/bin/"))
    return [command for command in commands if command]


def commands_in(text: str) -> Iterator[list[str]]:
    """Yield the words of all commands in `text`."""
    for line in code_lines(text):
        yield from commands_of(line)


def wrong_in(words: Sequence[str]) -> str | None:
    """Return what is wrong with a command; None where it is right, or is none of ours."""
    for start, command in PROGRAMS.items():
        if tuple(words[: len(start)]) == start:
            return _wrong_in_words(command, words[len(start) :], " ".join(start))
    return None


def _wrong_in_words(command: click.Command, words: Sequence[str], name: str) -> str | None:
    """Return which subcommand, option or value does not exist; the first one."""
    context = click.Context(command, info_name=name)
    for place, word in enumerate(words):
        if word.startswith("-"):
            wrong = _wrong_in_option(command, word, words[place + 1 : place + 2], name)
            if wrong is not None:
                return wrong
        elif isinstance(command, click.Group):
            if _PLACEHOLDER.fullmatch(word):
                return None
            parts = [(part, command.get_command(context, part)) for part in word.split("|")]
            for part, found in parts:
                if found is None:
                    return f"{name} has no command {part!r}"
            rest = words[place + 1 :]
            answers = (_wrong_in_words(found, rest, f"{name} {part}") for part, found in parts if found)
            return next((answer for answer in answers if answer is not None), None)
    return None


def _wrong_in_option(command: click.Command, word: str, following: Sequence[str], name: str) -> str | None:
    option, is_joined, value = word.partition("=")
    if option in HELP:
        return None
    known = {each: param for param in command.params for each in param.opts}
    param = known.get(option)
    if param is None:
        return f"{name} has no option {option!r}"
    values = [value] if is_joined else following
    if isinstance(param.type, click.Choice) and values and not _PLACEHOLDER.fullmatch(values[0]):
        for each in values[0].split("|"):
            if each not in param.type.choices:
                return f"{name} {option} takes no {each!r}"
    return None


def wrong_commands(text: str) -> list[str]:
    """Return what is wrong with the commands in `text`."""
    found = (wrong_in(words) for words in commands_in(text))
    return [wrong for wrong in found if wrong is not None]


def unknown_targets(text: str, makefile: str) -> list[str]:
    """Return the targets that `text` tells to make, and that the makefile does not have."""
    known = set(_TARGET.findall(makefile))
    wanted = {
        word
        for words in commands_in(text)
        if words[0] == "make"
        for word in words[1:]
        if not _ASSIGNMENT.fullmatch(word) and not _PLACEHOLDER.fullmatch(word)
    }
    return sorted(wanted - known)


def unknown_modules(text: str) -> list[str]:
    """Return the modules that `text` tells to run, and that cannot be found."""
    named = {
        words[2]
        for words in commands_in(text)
        if words[:2] in (["python", "-m"], ["python3", "-m"]) and len(words) > 2
    }
    return sorted(name for name in named if not _PLACEHOLDER.fullmatch(name) and not _is_module(name))


def _is_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        # The package in front of the last dot.
        return False


def subcommands_in(text: str) -> set[str]:
    """Return the commands of `loanstack` that `text` has a line for."""
    return {words[1] for words in commands_in(text) if words[0] == "loanstack" and len(words) > 1}


def section(text: str, heading: str) -> str:
    """Return what stands below a heading of the second level."""
    _, _, behind = text.partition(f"\n## {heading}\n")
    return behind.partition("\n## ")[0]


def codes_in(text: str) -> set[int]:
    """Return the numbers that stand in backticks."""
    return {int(inline) for inline in _INLINE.findall(text) if inline.isdecimal()}


ROOTS = frozenset(
    path.name for path in PROJECT_ROOT.iterdir() if path.name not in {".git", *GENERATED, "__pycache__"}
)
SOME_ROOTS = frozenset({"inventory", "docs", "Makefile"})


def test_code_is_found_in_backticks_and_in_blocks() -> None:
    text = "Run `make a`:\n\n```console\n$ make b\nout\n```\n\n| `drill x\\|y` | ``not`` |"
    assert list(code_lines(text)) == ["$ make b", "out", "make a", "drill x|y"]


def test_links_that_leave_the_page_are_found() -> None:
    text = "[a](docs/a.md) [b](docs/b.md#part) [c](#here) [d](https://bank.example/x.md)"
    assert list(links(text)) == ["docs/a.md", "docs/b.md"]


@pytest.mark.parametrize(
    ("line", "paths"),
    [
        ("inventory/lab.py", ["inventory/lab.py"]),
        ("pyinfra inventory/lab.py deploys/site.py --dry", ["inventory/lab.py", "deploys/site.py"]),
        ("inventory/", ["inventory/"]),
        ("docs/*.md", ["docs/*.md"]),
        ("nowhere/made_up.py", ["nowhere/made_up.py"]),
        ("Makefile", ["Makefile"]),
        ("pytest inventory/test_x.py::test_y", ["inventory/test_x.py"]),
        ("/etc/loanstack/oceanbase.json", []),
        ("runs/latest/results.json", []),
        (".venv/bin/loanstack", []),
        ("results.json", []),
        ("database/journal.jsonl.gz", []),
        ("inventory.purpose", []),
        ("a and/or b", []),
    ],
)
def test_paths_of_the_project_are_told_from_others(line: str, paths: list[str]) -> None:
    assert list(paths_in(line, SOME_ROOTS)) == paths


def test_a_path_that_does_not_exist_is_named(tmp_path: Path) -> None:
    (tmp_path / "inventory").mkdir()
    (tmp_path / "inventory/lab.py").touch()
    text = "`inventory/lab.py`, `inventory/`, `inventory/l*.py`, `inventory/bal.py`, `docs/x*`, `made_up.py`"
    assert missing_paths(text, tmp_path, SOME_ROOTS) == ["docs/x*", "inventory/bal.py", "made_up.py"]


@pytest.mark.parametrize(
    ("line", "commands"),
    [
        ("$ make prove     # bare machine to a verdict", [["make", "prove"]]),
        (".venv/bin/loanstack plan lab", [["loanstack", "plan", "lab"]]),
        ("LOANSTACK_LAB_TOPOLOGY=load loanstack lab up", [["loanstack", "lab", "up"]]),
        ("loanstack deploy ENV [--limit HOST]", [["loanstack", "deploy", "ENV", "--limit", "HOST"]]),
        ("loanstack drills --json | jq .name", [["loanstack", "drills", "--json"], ["jq", ".name"]]),
        ("$ make a && X=1 make b", [["make", "a"], ["make", "b"]]),
        ("the bank's own", []),
        ("", []),
    ],
)
def test_a_command_is_read_as_a_shell_would(line: str, commands: list[list[str]]) -> None:
    assert commands_of(line) == commands


@pytest.mark.parametrize(
    "line",
    [
        "loanstack",
        "loanstack --help",
        "loanstack load -h",
        "loanstack load lab --rate 1000 --duration 120s --scenario hot-limit",
        "loanstack load lab --scenario NAME",
        "loanstack failover status|history ENV",
        "loanstack lab power off|on|kill|freeze|thaw HOST",
        "loanstack prove ENV [--keep] [--topology core|load|full]",
        "loanstack COMMAND --anything",
        "loanstack-failover switchover --dry-run",
        "python -m chaos run lab primary-crash --run-folder runs/mine",
        "loanstack-db merge --made-up",
        "pyinfra inventory/lab.py deploys/site.py --dry --diff",
    ],
)
def test_commands_that_exist_are_right(line: str) -> None:
    assert wrong_commands(f"`{line.replace('|', chr(92) + '|')}`") == []


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("loanstack made-up lab", "loanstack has no command 'made-up'"),
        ("loanstack lab made-up", "loanstack lab has no command 'made-up'"),
        ("loanstack failover status|made-up lab", "loanstack failover has no command 'made-up'"),
        ("loanstack lab power explode gw-a", "loanstack lab power has no command 'explode'"),
        ("loanstack load lab --made-up 5", "loanstack load has no option '--made-up'"),
        ("loanstack load lab [--made-up]", "loanstack load has no option '--made-up'"),
        ("loanstack verify lab --yes lab", "loanstack verify has no option '--yes'"),
        ("loanstack load lab --scenario made-up", "loanstack load --scenario takes no 'made-up'"),
        ("loanstack prove lab --topology=core|tiny", "loanstack prove --topology takes no 'tiny'"),
        ("$ .venv/bin/loanstack made-up", "loanstack has no command 'made-up'"),
        ("loanstack lab up && loanstack made-up", "loanstack has no command 'made-up'"),
        ("python -m chaos made-up lab", "python -m chaos has no command 'made-up'"),
        ("loanstack-failover made-up", "loanstack-failover has no command 'made-up'"),
    ],
)
def test_a_command_that_does_not_exist_is_named(line: str, wrong: str) -> None:
    assert wrong_commands(f"Type `{line.replace('|', chr(92) + '|')}`.") == [wrong]


def test_a_target_that_does_not_exist_is_named() -> None:
    makefile = "prove: setup  ## all\n\t@x\nlab-test:\n\t@y\n"
    text = (
        "`make prove`, `make lab-test`, `make PYTHON=python3.12 prove`, `make TARGET`, `make magic`, make up"
    )
    assert unknown_targets(text, makefile) == ["magic"]


def test_a_module_that_does_not_exist_is_named() -> None:
    text = "`python -m inventory.lab`, `.venv/bin/python -m json.made_up`, `python3 -m made_up.tool x`"
    assert unknown_modules(text) == ["json.made_up", "made_up.tool"]


def test_codes_are_those_of_their_section() -> None:
    text = "# Title\n\n`9`\n\n## Exit codes\n\n`0` passed, `130` interrupted, `name`, 7\n\n## Next\n\n`8`\n"
    assert codes_in(section(text, "Exit codes")) == {0, 130}
    assert section(text, "Elsewhere") == ""


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_path_and_link_exists(path: Path) -> None:
    text = path.read_text()
    assert missing_paths(text, PROJECT_ROOT, ROOTS) == []
    assert [link for link in links(text) if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_target_and_module_exists(path: Path) -> None:
    text = path.read_text()
    assert wrong_commands(text) == []
    assert unknown_targets(text, (PROJECT_ROOT / "Makefile").read_text()) == []
    assert unknown_modules(text) == []


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.name)
def test_a_readme_is_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= README_LINES_MAX


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.name)
def test_a_readme_has_every_command(path: Path) -> None:
    assert subcommands_in(path.read_text()) == set(loanstack.list_commands(click.Context(loanstack)))


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.name)
def test_a_readme_has_every_exit_code(path: Path) -> None:
    codes = codes_in(section(path.read_text(), EXIT_CODE_HEADINGS[path.name]))
    assert codes == {code.value for code in ExitCode}
