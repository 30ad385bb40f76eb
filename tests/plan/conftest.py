"""Environments for plan tests."""

from pathlib import Path

import pytest

import tests.unhurried  # noqa: F401  (sets the pace of property tests)
from tests.plan.kit import Site, site_of


@pytest.fixture
def lab_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    return site_of("lab", tmp_path / "lab", monkeypatch)


@pytest.fixture
def qinghai_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    return site_of("qinghai", tmp_path / "qinghai", monkeypatch)
