"""The baseline of every host: kernel settings, limits, firewall, SSH, time."""

from pyinfra.api.deploy import deploy

from deploys import certificates, derived
from deploys.baseline import operations
from deploys.baseline.spec import FIREWALL_UNIT, OTHER_FIREWALL_UNIT, BaselineSpec, baseline_spec
from deploys.component import HostContext
from deploys.content import AUTHORITY, ConfigFile, render
from deploys.operations import files, services

SYSCTL = "/etc/sysctl.d/60-loanstack.conf"
HUGE_PAGES = "/etc/tmpfiles.d/loanstack-huge-pages.conf"
FIREWALL = "/etc/loanstack/firewall.nft"
SSHD = "/etc/ssh/sshd_config.d/05-loanstack.conf"

_UNITS = "/etc/systemd/system"
_LIMITS = (
    ("nofile", "655350"),
    ("nproc", "655350"),
    ("core", "unlimited"),
    ("stack", "unlimited"),
    ("memlock", "unlimited"),
)


def spec_of(context: HostContext) -> BaselineSpec:
    """Return the baseline of the host of `context`, with what all its components open and trust."""
    env, host = context.env, context.host
    return baseline_spec(
        env,
        host,
        ingress_rules=derived.ingress_rules(env, host, database_kind=context.database_kind),
        authority=certificates.authority_certificate(env.ca_dir, now=certificates.utc_now()),
    )


def before_packages(spec: BaselineSpec) -> tuple[ConfigFile, ...]:
    """Return the files that need no package: kernel, limits, SSH, and the authority that components trust."""
    shared = spec.kernel_is_shared
    found = [
        ConfigFile(
            path=SYSCTL,
            content=render("baseline/sysctl.conf.j2", kernel=spec.kernel, kernel_is_shared=shared),
        ),
        # The only writer of this file: two that differ in a byte would never converge.
        ConfigFile(path=AUTHORITY, content=spec.authority),
        # 05: sorted before the distribution's files, because the first value of a keyword wins.
        ConfigFile(
            path=SSHD,
            content=render("baseline/sshd.conf.j2", listen_ports=spec.ssh_listen_ports),
            mode=0o600,
        ),
    ]
    if spec.is_database:
        limits = render("baseline/limits.conf.j2", user="oceanbase", limits=_LIMITS)
        huge_pages = render("baseline/huge-pages.conf.j2", kernel_is_shared=shared)
        found += [
            ConfigFile(path="/etc/security/limits.d/60-loanstack.conf", content=limits),
            ConfigFile(path=HUGE_PAGES, content=huge_pages),
        ]
    return tuple(found)


def after_packages(spec: BaselineSpec) -> tuple[ConfigFile, ...]:
    """Return the files of packages: firewall and time."""
    names = spec.platform
    return (
        ConfigFile(
            path=FIREWALL,
            content=render(
                "baseline/firewall.nft.j2", host_name=spec.host_name, ingress_rules=spec.ingress_rules
            ),
            mode=0o600,
        ),
        ConfigFile(
            path=f"{_UNITS}/{FIREWALL_UNIT}",
            content=render(
                "baseline/loanstack-firewall.service.j2",
                nft="/usr/sbin/nft",
                rules=FIREWALL,
                other_firewall=OTHER_FIREWALL_UNIT,
            ),
        ),
        ConfigFile(
            path=names.chrony_config,
            content=render(
                "baseline/chrony.conf.j2",
                host_name=spec.host_name,
                time_sources=spec.time_sources,
                time_clients=spec.time_clients,
                kernel_is_shared=spec.kernel_is_shared,
            ),
        ),
        ConfigFile(path=_chrony_override(spec), content=_chrony_unit(spec)),
    )


def _chrony_override(spec: BaselineSpec) -> str:
    return f"{_UNITS}/{spec.platform.chrony_unit}.d/loanstack.conf"


def _chrony_unit(spec: BaselineSpec) -> str:
    names = spec.platform
    return render(
        "baseline/chrony-override.conf.j2",
        kernel_is_shared=spec.kernel_is_shared,
        user=names.chrony_user,
        config=names.chrony_config,
    )


@deploy("Baseline")
def baseline(spec: BaselineSpec) -> None:
    """Converge settings that need no package, so that a host is hardened before anything is installed on it.

    + spec: the baseline of this host
    """
    written = files.converge(name="Write kernel settings, limits and SSH", files=before_packages(spec))
    operations.settings_applied(
        name="Run with these kernel settings",
        settings=spec.kernel,
        path=SYSCTL,
        why_not=spec.kernel_is_shared,
    )
    if spec.is_database:
        operations.huge_pages_off(
            name="Run without transparent huge pages", path=HUGE_PAGES, why_not=spec.kernel_is_shared
        )
    services.service_running(
        name="Keep SSH hardened",
        unit=spec.platform.ssh_unit,
        reload_after=(SSHD,),
        check="sshd -t",
        written=(written,),
    )


@deploy("Firewall and time")
def firewall_and_time(spec: BaselineSpec) -> None:
    """Converge firewall and time, which need the baseline's packages.

    + spec: the baseline of this host
    """
    written = files.converge(name="Write firewall and time", files=after_packages(spec))
    operations.assert_ssh_not_locked_out(
        name="Make sure that the firewall does not lock out SSH",
        ssh_sources=spec.ssh_sources,
    )
    services.service_running(
        name="Keep the firewall up",
        unit=FIREWALL_UNIT,
        reload_after=(FIREWALL, f"{_UNITS}/{FIREWALL_UNIT}"),
        check=f"nft --check --file {FIREWALL}",
        written=(written,),
    )
    operations.unit_masked(name="Keep firewalld from taking the firewall's place", unit=OTHER_FIREWALL_UNIT)
    services.service_running(
        name="Keep the time",
        unit=spec.platform.chrony_unit,
        restart_after=(spec.platform.chrony_config, _chrony_override(spec)),
        written=(written,),
    )
