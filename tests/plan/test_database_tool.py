"""What the deploy writes for `loanstack-db` is what that tool reads."""

import json
from pathlib import Path

import pytest

from deploys.failover.spec import DATABASE_TOOL
from deploys.oceanbase import deploy
from deploys.oceanbase.spec import TOOL_SETTINGS, oceanbase_spec, tool_settings
from hosttools.oceanbase.settings import FILE_NAME, Settings, load
from hosttools.settings import FOLDER
from inventory.model import Role
from tests.plan.kit import Site


@pytest.fixture(params=["lab_site", "qinghai_site"])
def site(request: pytest.FixtureRequest) -> Site:
    found: Site = request.getfixturevalue(request.param)
    return found


def test_settings_are_read_as_they_are_meant(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for host in site.env.hosts_with(Role.OCEANBASE):
        spec = oceanbase_spec(site.env, host, site.secrets)
        path = tmp_path / f"{host.name}.json"
        path.write_text(json.dumps(tool_settings(spec)))
        monkeypatch.setenv("LOANSTACK_DB_SETTINGS", str(path))
        found = load()
        assert found.peers == spec.peers
        assert found.inventory_role == spec.first_role
        assert found.parameters == dict((*spec.sizes, *spec.run_time_parameters))
        assert spec.root_password not in path.read_text()


def test_the_file_is_the_one_that_the_tool_looks_for() -> None:
    assert str(FOLDER / FILE_NAME) == TOOL_SETTINGS


def test_everybody_may_read_the_settings_because_the_unit_s_user_does(lab_site: Site) -> None:
    spec = oceanbase_spec(lab_site.env, lab_site.env.host("ob-a"), lab_site.secrets)
    files = {file.path: file for file in deploy.files_of(spec)}
    assert (files[TOOL_SETTINGS].mode, files[TOOL_SETTINGS].secret) == (0o644, False)
    assert set(json.loads(files[TOOL_SETTINGS].content)) == set(Settings.__struct_fields__)
    assert files[DATABASE_TOOL].mode == 0o755
    assert "-I -m hosttools.oceanbase" in files[DATABASE_TOOL].content
