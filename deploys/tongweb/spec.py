"""TongWeb and the channel portal of one host."""

from dataclasses import dataclass, field

from deploys.artifact import artifact_for
from deploys.gateway.spec import return_noticed_within_s
from deploys.rotation import Rotation
from deploys.tongweb.data_source import DataSourceSpec, data_source_spec
from inventory.model import Artifact, Environment, Host, Role, TongWeb
from inventory.secrets import Secrets

UNIT = "loanstack-tongweb.service"
TOOL = "/usr/local/sbin/loanstack-tongweb"
RUN_DIR = "/run/tongweb"
FOLDER = "/opt/loanstack/tongweb"
PORTAL_FOLDER = "/opt/loanstack/channel-portal"
WAR = "portal.war"
ACCOUNTS = "/etc/loanstack/tongweb-accounts"
DATA_SOURCE = "/etc/loanstack/tongweb-data-source"


@dataclass(frozen=True, kw_only=True)
class Account:
    """A user of the console."""

    name: str
    initial_password: str
    """Default password of the product, which is in its manual."""
    password: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class TongWebSpec:
    """One host of role tongweb."""

    tongweb: TongWeb
    product: Artifact
    license: Artifact | None
    """The licence file; None: licence servers are used."""
    license_key: str = field(repr=False)
    jdk: Artifact
    portal: Artifact
    address: str
    """Address for gateways: that of the segment, not of the management network."""
    management_address: str
    services: tuple[str, ...]
    """ip:port*weight of the loan services in all centres."""
    accounts: tuple[Account, ...]
    data_source: DataSourceSpec
    jdbc_driver: Artifact
    rotation: tuple[Rotation, ...]
    cpus: str | None
    """CPUs that it may run on; None: all."""
    stand_in: bool

    user: str = "tongweb"
    jdk_folder: str = "/opt/loanstack/jdk"

    @property
    def home(self) -> str:
        """Folder of this version."""
        return f"{FOLDER}/{self.product.version}"

    @property
    def java_home(self) -> str:
        """Folder of its Java runtime."""
        return f"{self.jdk_folder}/{self.jdk.version}"

    @property
    def description(self) -> str:
        """Description of the unit."""
        name = "TongWeb stand-in (Apache Tomcat 9)" if self.stand_in else "TongWeb"
        return f"{name} with the channel portal"


def tongweb_spec(env: Environment, host: Host, secrets: Secrets) -> TongWebSpec:
    """Return TongWeb and the portal of `host`."""
    has_file = not env.tongweb.license_servers
    # The suffix satisfies the console's rules for passwords: both cases, digits and other characters.
    passwords = {name: f"{secrets.tongweb_console_password}-{name}Aa1" for name in ("thanos", "cli")}
    return TongWebSpec(
        tongweb=env.tongweb,
        product=artifact_for(env, host, "tongweb"),
        license=artifact_for(env, host, "tongweb-license") if has_file else None,
        license_key=secrets.tongweb_license_key,
        jdk=artifact_for(env, host, "jdk"),
        portal=artifact_for(env, host, "channel-portal"),
        address=host.address,
        management_address=host.management_address,
        services=tuple(f"{h.address}:{env.loan.port}*{h.weight}" for h in env.hosts_with(Role.LOAN)),
        accounts=tuple(
            Account(name=name, initial_password=f"{name}123.com", password=password)
            for name, password in passwords.items()
        ),
        data_source=data_source_spec(env, secrets),
        jdbc_driver=artifact_for(env, host, "jdbc-driver"),
        rotation=_rotation(env, host),
        cpus=host.tongweb_cpus,
        stand_in=host.os.stand_in is not None,
    )


def _rotation(env: Environment, host: Host) -> tuple[Rotation, ...]:
    """Return the rotation settings of the product and of the portal; both use the same rotation."""
    url = f"http://{host.address}:{env.tongweb.port}/portal"
    restart = ("systemctl", "restart", UNIT)
    serve = (TOOL, "portal", "current")
    return tuple(
        Rotation(
            name=name,
            folder=folder,
            out_of_rotation=f"{RUN_DIR}/out-of-rotation",
            port=env.tongweb.port,
            # Without the application, the server itself answers 404, and gateways would pass that on.
            senders=tuple(h.address for h in env.hosts_with(Role.GATEWAY)),
            well_url=f"{url}/healthz",
            metrics_url=f"{url}/metrics",
            in_flight="portal_in_flight",
            smoke_test_url=f"{url}/api/v1/products",
            smoke_test_entity=env.entities[0].code,
            drain_s=env.tongweb.drain_s,
            back_s=return_noticed_within_s(env.gateway),
            restart=(restart,),
            after_roll_back=((TOOL, "install-war"), after),
        )
        for name, folder, after in (("tongweb", FOLDER, restart), ("portal", PORTAL_FOLDER, serve))
    )
