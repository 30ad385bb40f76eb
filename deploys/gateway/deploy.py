"""The gateway: nginx with TLS in front of the API."""

from cryptography.x509 import DNSName
from pyinfra.api.deploy import deploy

from deploys import certificates
from deploys.component import HostContext
from deploys.content import AUTHORITY, ConfigFile, render
from deploys.gateway.spec import CERTIFICATE, FAIL_TIMEOUT_S, UNIT, GatewaySpec, gateway_spec
from deploys.operations import files, health, services
from inventory.model import Environment, Host

CONFIG = "/etc/nginx/nginx.conf"
PRIVATE_KEY = "/etc/nginx/tls/gateway.key"
OVERRIDE = "/etc/systemd/system/nginx.service.d/loanstack.conf"
READY_DEADLINE_S = 30


def certificate_subject(env: Environment, host: Host) -> certificates.Subject:
    """Return the names by which clients reach the gateway of `host`."""
    assert host.dmz_address is not None, "the inventory's validation asks for it"
    addresses = (host.dmz_address, *env.gateway.virtual_addresses)
    names = (DNSName(env.gateway.server_name), *certificates.addresses(addresses))
    return certificates.Subject(file_name=host.name, names=names)


def spec_of(context: HostContext) -> GatewaySpec:
    """Return the gateway of the host of `context`, with a certificate that fits."""
    env = context.env
    issued = certificates.certificate(
        env.ca_dir, certificate_subject(env, context.host), now=certificates.utc_now()
    )
    return gateway_spec(env, context.host, certificate=issued.certificate, private_key=issued.private_key)


def files_of(spec: GatewaySpec) -> tuple[ConfigFile, ...]:
    """Return configuration, certificate and key."""
    return (
        ConfigFile(path=CERTIFICATE, content=spec.certificate),
        ConfigFile(path=PRIVATE_KEY, content=spec.private_key, mode=0o600, secret=True),
        ConfigFile(
            path=CONFIG,
            content=render(
                "gateway/nginx.conf.j2",
                gateway=spec.gateway,
                addresses=spec.addresses,
                upstreams=spec.upstreams,
                fail_timeout_s=FAIL_TIMEOUT_S,
                nginx_user=spec.nginx_user,
                certificate=CERTIFICATE,
                private_key=PRIVATE_KEY,
            ),
        ),
        ConfigFile(path=OVERRIDE, content=render("gateway/nginx-override.conf.j2")),
    )


@deploy("Gateway")
def gateway(spec: GatewaySpec) -> None:
    """Converge the gateway of one host.

    + spec: addresses, certificate and upstreams
    """
    written = files.converge(name="Write configuration and certificate", files=files_of(spec))
    services.service_running(
        name="Keep the gateway running",
        unit=UNIT,
        restart_after=(OVERRIDE,),
        reload_after=(CONFIG, CERTIFICATE, PRIVATE_KEY),
        check="nginx -t -q",
        written=(written,),
        _serial=True,
    )


@deploy("Gateway's way through")
def gateway_ready(spec: GatewaySpec) -> None:
    """Wait until a request gets through to the loan services, as a client would send it.

    + spec: addresses, certificate and upstreams
    """
    name, port = spec.gateway.server_name, spec.gateway.port
    health.answers(
        name="Wait for the way through the gateway",
        url=f"https://{name}:{port}/healthz",
        deadline_s=READY_DEADLINE_S,
        unit=UNIT,
        options=("--cacert", AUTHORITY, "--resolve", f"{name}:{port}:{spec.own_address}"),
    )
