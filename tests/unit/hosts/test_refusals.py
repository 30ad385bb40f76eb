"""Host tests contact no host by accident, and say at once what is wrong."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from inventory.places import PROJECT_ROOT
from inventory.purpose import CONSENT_VARIABLE, ConsentNeededError, Purpose, require_named

USAGE = 4
"""Exit status of pytest for an error of usage."""


def host_tests(state: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run them as a person does, but none of them: only what comes before the first is asked."""
    environment = {name: value for name, value in os.environ.items() if name != CONSENT_VARIABLE}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "tests/hosts", "-k", "no_test_has_this_name", *options],
        cwd=PROJECT_ROOT,
        env={**environment, "LOANSTACK_STATE": str(state)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--environment", "NIX"], "ERROR: --environment: no environment 'NIX'; known: lab, qinghai"),
        (["--environment", "qinghai"], "ERROR: environment qinghai is for production"),
        (["--environment", "qinghai", "--yes", "lab"], "('lab' was named): --yes qinghai"),
        ([], "id_ed25519 does not exist; run `loanstack lab up` first"),
        (["-n", "2"], "id_ed25519 does not exist; run `loanstack lab up` first"),
    ],
    ids=["unknown", "production", "another named", "no lab", "no lab, workers"],
)
def test_what_must_not_be_reached_is_one_error_without_a_traceback(
    tmp_path: Path, options: list[str], told: str
) -> None:
    done = host_tests(tmp_path, *options)
    said = done.stdout + done.stderr
    assert done.returncode == USAGE, said
    assert told in said
    assert said.count("ERROR:") == 1
    assert "Traceback" not in said
    assert "INTERNALERROR" not in said


@pytest.mark.parametrize("purpose", [Purpose.PRODUCTION, Purpose.REHEARSAL])
def test_real_hosts_must_be_named(purpose: Purpose) -> None:
    for consent in (None, "", "lab"):
        with pytest.raises(
            ConsentNeededError, match=r"nothing was contacted.*--yes qinghai, or LOANSTACK_YES=qinghai"
        ):
            require_named("qinghai", purpose, consent=consent)
    require_named("qinghai", purpose, consent="qinghai")


def test_the_lab_need_not_be_named() -> None:
    require_named("lab", Purpose.LAB, consent=None)
