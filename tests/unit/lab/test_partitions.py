"""Which cuts there are, and that each is what its name says."""

import os
import re
import subprocess

import pytest

from inventory.lab import ENVIRONMENT
from lab.network import plan_of
from lab.partitions import partitions_of, ruleset

CUTS = partitions_of(ENVIRONMENT)
CENTRES = ("a", "b", "c")


def drops(rule: str, sender: str, receiver: str) -> bool:
    """Say whether `rule` drops what the router would pass from one centre to another."""
    passing = {"iifname": f"seg-{sender}", "oifname": f"seg-{receiver}"}
    conditions = re.findall(r'(iifname|oifname) (!= )?"([^"]+)"', rule)
    assert conditions
    assert rule.endswith("drop")
    return all((passing[which] == where) != bool(other) for which, other, where in conditions)


def dropped(name: str) -> set[str]:
    pairs = [(s, r) for s in CENTRES for r in CENTRES if s != r]
    return {f"{s}-to-{r}" for s, r in pairs if any(drops(rule, s, r) for rule in CUTS[name].rules)}


def test_there_is_a_cut_for_each_centre_and_each_direction() -> None:
    assert sorted(CUTS) == sorted(
        [f"centre-{c}" for c in CENTRES] + [f"{s}-to-{r}" for s in CENTRES for r in CENTRES if s != r]
    )


@pytest.mark.parametrize("centre", CENTRES)
def test_a_centre_that_is_cut_off_hears_nobody_and_is_heard_by_nobody(centre: str) -> None:
    others = [c for c in CENTRES if c != centre]
    assert dropped(f"centre-{centre}") == {
        pair for o in others for pair in (f"{centre}-to-{o}", f"{o}-to-{centre}")
    }


@pytest.mark.parametrize("name", [n for n in CUTS if "-to-" in n])
def test_a_direction_drops_that_direction_alone(name: str) -> None:
    assert dropped(name) == {name}


def test_cuts_have_tables_of_their_own_and_act_at_bridges_that_exist() -> None:
    tables = [cut.table for cut in CUTS.values()]
    assert len(set(tables)) == len(tables)
    assert all(re.fullmatch(r"[a-z_]+", table) for table in tables)
    bridges = {bridge.name for bridge in plan_of(ENVIRONMENT).bridges}
    named = {where for cut in CUTS.values() for rule in cut.rules for where in re.findall(r'"([^"]+)"', rule)}
    assert named <= bridges
    assert "ls-mgmt" not in named


def test_a_cut_may_be_made_twice() -> None:
    text = ruleset(CUTS["a-to-b"])
    assert text.splitlines()[:2] == [
        "table inet loanstack_cut_a_to_b",
        "delete table inet loanstack_cut_a_to_b",
    ]
    assert "type filter hook forward" in text


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes network namespaces")
@pytest.mark.parametrize("name", CUTS)
def test_the_kernel_takes_a_cut_twice(name: str) -> None:
    program = 'printf %s "$1" | nft -f - && printf %s "$1" | nft -f - && nft list tables'
    command = ["unshare", "--net", "/bin/sh", "-c", program, "cut", ruleset(CUTS[name])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()[-1]) == (0, CUTS[name].table), done.stderr
