"""The SQL proxy: HAProxy on loopback; it asks the failover agents which database leads."""

from pyinfra.api.deploy import deploy

from deploys.component import HostContext
from deploys.content import ConfigFile, render
from deploys.operations import files, services
from deploys.sql_proxy.spec import PROGRAM, UNIT, SqlProxySpec, sql_proxy_spec

CONFIG = "/etc/haproxy/haproxy.cfg"
OVERRIDE = "/etc/systemd/system/haproxy.service.d/loanstack.conf"


def spec_of(context: HostContext) -> SqlProxySpec:
    """Return the SQL proxy of the host of `context`."""
    return sql_proxy_spec(context.env, context.host)


def files_of(spec: SqlProxySpec) -> tuple[ConfigFile, ...]:
    """Return HAProxy's configuration and unit."""
    return (
        ConfigFile(path=CONFIG, content=render("sql_proxy/haproxy.cfg.j2", proxy=spec)),
        ConfigFile(
            path=OVERRIDE,
            content=render("sql_proxy/haproxy-override.conf.j2", program=PROGRAM, config=CONFIG),
        ),
    )


@deploy("SQL proxy")
def sql_proxy(spec: SqlProxySpec) -> None:
    """Converge HAProxy of one host.

    + spec: its port, and the databases that may lead
    """
    written = files.converge(name="Write the SQL proxy's configuration", files=files_of(spec))
    services.service_running(
        name="Keep the SQL proxy running",
        unit=UNIT,
        restart_after=(OVERRIDE,),
        reload_after=(CONFIG,),
        check=f"{PROGRAM} -c -q -f {CONFIG}",
        written=(written,),
        _serial=True,
    )
