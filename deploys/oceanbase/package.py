"""The database's program, user, folders and files."""

from pathlib import PurePosixPath

from pyinfra.operations import server

from deploys.content import TEMPLATES, ConfigFile, Folder, render
from deploys.failover.spec import DATABASE_TOOL
from deploys.oceanbase.spec import PROBE_OPTIONS, ROOT_OPTIONS, OceanBaseSpec
from deploys.operations import artifacts, files


def merge_timer(spec: OceanBaseSpec) -> str:
    """Return the path of the timer of the daily merge."""
    return f"/etc/systemd/system/{spec.merge_timer}"


def files_of(spec: OceanBaseSpec) -> tuple[ConfigFile, ...]:
    """Return the database's files: settings, unit, administrator's tool, option files with passwords."""
    probe_password = dict(spec.passwords)["probe"]
    return (
        ConfigFile(
            path="/etc/loanstack/oceanbase.conf",
            content=render(
                "oceanbase/oceanbase.conf.j2",
                base_dir=spec.base_dir,
                folder=spec.folder,
                user=spec.user,
                unit=spec.unit,
                sql_port=spec.sql_port,
                rpc_port=spec.rpc_port,
                peers=spec.peers,
                first_role=spec.first_role,
                parameters=(*spec.sizes, *spec.run_time_parameters),
            ),
        ),
        ConfigFile(
            path=DATABASE_TOOL, content=(TEMPLATES / "oceanbase/loanstack-db").read_text(), mode=0o755
        ),
        ConfigFile(
            path=f"/etc/systemd/system/{spec.unit}",
            content=render(
                "oceanbase/loanstack-oceanbase.service.j2",
                user=spec.user,
                folder=spec.folder,
                agent=spec.agent_unit,
            ),
        ),
        ConfigFile(
            path=f"/etc/systemd/system/{spec.merge_unit}", content=render("oceanbase/merge.service.j2")
        ),
        ConfigFile(
            path=merge_timer(spec),
            content=render("oceanbase/merge.timer.j2", merge_at=spec.merge_at),
        ),
        _options(ROOT_OPTIONS, "root", spec.root_password),
        _options(PROBE_OPTIONS, "probe", probe_password),
    )


def _options(path: str, user: str, password: str) -> ConfigFile:
    content = render("oceanbase/client.cnf.j2", user=user, password=password)
    return ConfigFile(path=path, content=content, mode=0o600, secret=True)


def install(spec: OceanBaseSpec) -> None:
    """Converge everything but the running database.

    + spec: this database
    """
    assert spec.artifact.sha256 is not None
    server.user(  # noqa: S604 - a login shell, not a subprocess
        name="Know the database's user",
        user=spec.user,
        system=True,
        shell="/usr/sbin/nologin",
        home=spec.base_dir,
        ensure_home=False,
    )
    artifacts.installed(
        name="Install seekdb",
        url=spec.artifact.url,
        sha256=spec.artifact.sha256,
        folder=spec.folder,
        version=spec.artifact.version,
        arch=spec.artifact.arch,
        shown_by="bin/seekdb --version",
    )
    files.converge(
        name="Write the database's settings, unit and tool",
        folders=(
            Folder(path=str(PurePosixPath(spec.base_dir).parent)),
            Folder(path=spec.base_dir, mode=0o750, user=spec.user, group=spec.user),
        ),
        files=files_of(spec),
        # An earlier version enabled the unit, so it would start at boot by itself.
        absent=(f"/etc/systemd/system/multi-user.target.wants/{spec.unit}",),
    )
