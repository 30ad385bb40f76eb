"""The gateways' virtual addresses: keepalived moves them when a gateway is lost."""

from pyinfra.api.deploy import deploy

from deploys.component import HostContext
from deploys.content import ConfigFile, render
from deploys.operations import files, services
from deploys.virtual_addresses.spec import PROGRAM, UNIT, VirtualAddressesSpec, virtual_addresses_spec

CONFIG = "/etc/keepalived/keepalived.conf"
OVERRIDE = "/etc/systemd/system/keepalived.service.d/loanstack.conf"


def spec_of(context: HostContext) -> VirtualAddressesSpec:
    """Return the virtual addresses of the host of `context`."""
    return virtual_addresses_spec(context.env, context.host)


def files_of(spec: VirtualAddressesSpec) -> tuple[ConfigFile, ...]:
    """Return keepalived's configuration and unit."""
    return (
        ConfigFile(
            path=CONFIG,
            content=render(
                "virtual_addresses/keepalived.conf.j2",
                host_name=spec.host_name,
                interface=spec.interface,
                own_address=spec.own_address,
                peers=spec.peers,
                prefix_length=spec.prefix_length,
                addresses=spec.addresses,
                advert_s=spec.advert_s,
            ),
        ),
        ConfigFile(
            path=OVERRIDE,
            content=render("virtual_addresses/keepalived-override.conf.j2", program=PROGRAM),
        ),
    )


@deploy("Virtual addresses")
def virtual_addresses(spec: VirtualAddressesSpec) -> None:
    """Converge keepalived of one gateway; do nothing where there are no virtual addresses.

    + spec: addresses, and the other gateways that may have them
    """
    if not spec.addresses:
        return
    written = files.converge(name="Write keepalived's configuration", files=files_of(spec))
    services.service_running(
        name="Keep keepalived running",
        unit=UNIT,
        restart_after=(OVERRIDE,),
        reload_after=(CONFIG,),
        check=f"{PROGRAM} --config-test --use-file={CONFIG}",
        written=(written,),
        _serial=True,
    )
