"""Environments for plan tests."""

from pathlib import Path

import pytest

import tests.unhurried  # noqa: F401  (sets the pace of property tests)
from deploys import write_times
from deploys.operations import patience
from tests.plan.kit import Site, site_of


@pytest.fixture
def lab_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    return site_of("lab", tmp_path / "lab", monkeypatch)


@pytest.fixture
def qinghai_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    return site_of("qinghai", tmp_path / "qinghai", monkeypatch)


@pytest.fixture
def notes(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where write times are noted: one of the test, not in this machine's /run."""
    folder = tmp_path_factory.mktemp("notes")
    monkeypatch.setattr(write_times, "FOLDER", str(folder))
    return folder


@pytest.fixture(autouse=True)
def pauses_s(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses of operations between looks at a host; no time passes in them."""
    pauses: list[float] = []
    monkeypatch.setattr(patience, "sleep", pauses.append)
    return pauses
