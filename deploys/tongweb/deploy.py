"""TongWeb with the channel portal: product, licence, Java, configuration, unit, WAR, console passwords."""

from typing import Any

from pyinfra.api.deploy import deploy

from deploys import rotation
from deploys.component import HostContext
from deploys.content import ConfigFile, Folder, json_text, render
from deploys.facts.artifacts import HASH_FILE
from deploys.host_tools.spec import command
from deploys.operations import artifacts, files, services, users
from deploys.tongweb import operations
from deploys.tongweb.spec import (
    ACCOUNTS,
    DATA_SOURCE,
    FOLDER,
    PORTAL_FOLDER,
    RUN_DIR,
    TOOL,
    UNIT,
    WAR,
    TongWebSpec,
    tongweb_spec,
)
from inventory.model import Artifact, DeploysBy

SETTINGS = "/etc/loanstack/tongweb.json"
CONFIGURATION = "/etc/loanstack/tongweb.xml"
"""The configuration without the data source's password, which only the product's own script can write."""
_UNIT_FILE = f"/etc/systemd/system/{UNIT}"
_APPLICATION_S = 10
_REPLACED_S = 30
_SERVICES_S = 10
_WARM_UP_S = 30


def spec_of(context: HostContext) -> TongWebSpec:
    """Return TongWeb and the portal of the host of `context`."""
    return tongweb_spec(context.env, context.host, context.secrets)


def files_of(spec: TongWebSpec) -> tuple[ConfigFile, ...]:
    """Return configuration, options, tool and unit."""
    common = {
        "tongweb": spec.tongweb,
        "home": spec.home,
        "folder": FOLDER,
        "java_home": spec.java_home,
        "run_dir": RUN_DIR,
        "user": spec.user,
    }
    return (
        ConfigFile(
            path=CONFIGURATION,
            content=render(
                "tongweb/tongweb.xml.j2",
                address=spec.address,
                management_address=spec.management_address,
                data_source=spec.data_source,
                **common,
            ),
        ),
        ConfigFile(path=DATA_SOURCE, content=f"{spec.data_source.password}\n", mode=0o600, secret=True),
        ConfigFile(
            path=f"{spec.home}/bin/external.vmoptions",
            content=render(
                "tongweb/external.vmoptions.j2",
                services=spec.services,
                license_key=spec.license_key,
                **common,
            ),
            mode=0o640,
            user=spec.user,
            group=spec.user,
            by=spec.user,
        ),
        ConfigFile(path=SETTINGS, content=json_text(tool_settings(spec))),
        ConfigFile(
            path=ACCOUNTS,
            content="".join(f"{a.name} {a.initial_password} {a.password}\n" for a in spec.accounts),
            mode=0o600,
            secret=True,
        ),
        command(TOOL, "tongweb"),
        ConfigFile(
            path=_UNIT_FILE,
            content=render(
                "tongweb/loanstack-tongweb.service.j2",
                description=spec.description,
                cpus=spec.cpus,
                **common,
            ),
        ),
        *rotation.files_of(spec.rotation),
        ConfigFile(
            path="/etc/tmpfiles.d/loanstack-tongweb.conf",
            content=render("tongweb/tmpfiles.conf.j2", **common),
        ),
    )


def tool_settings(spec: TongWebSpec) -> dict[str, object]:
    """Return the settings of the tool, without secrets; its reader refuses unknown fields."""
    return {
        "home": f"{FOLDER}/current",
        "java_home": spec.java_home,
        "service_user": spec.user,
        "accounts": ACCOUNTS,
        "configuration": CONFIGURATION,
        "data_source": DATA_SOURCE,
        "console_host": spec.management_address,
        "console_port": spec.tongweb.console_port,
        "portal_dir": PORTAL_FOLDER,
        "run_dir": RUN_DIR,
        "unit": UNIT,
        "portal_url": f"http://{spec.address}:{spec.tongweb.port}/portal",
        "ready_s": spec.tongweb.ready_deadline_s,
        "application_s": _APPLICATION_S,
        "replaced_s": _REPLACED_S,
        "services_s": _SERVICES_S,
        "warm_up_s": _WARM_UP_S,
        "warm_up_requests": spec.tongweb.warm_up_requests,
    }


@deploy("TongWeb and the channel portal")
def tongweb(spec: TongWebSpec) -> None:
    """Converge TongWeb of one host, until it is ready and warm; hosts restart one after the other.

    + spec: artifacts, addresses and settings of this host
    """
    users.without_login(name="Know TongWeb's user", user=spec.user, home=FOLDER)
    _unpack(
        "Unpack the Java runtime", spec.jdk, spec.jdk_folder, owner="root", smoke_command="bin/java -version"
    )
    if spec.product.url.endswith(".bin"):
        _run_installer("Install TongWeb", spec)
    else:
        _unpack("Unpack TongWeb", spec.product, FOLDER, owner=spec.user)
    _unpack("Unpack the channel portal", spec.portal, PORTAL_FOLDER, owner="root")
    if spec.license is not None:
        _install_file("Install the licence", spec.license, f"{spec.home}/license.dat", owner=spec.user)
    driver = f"{spec.home}/lib/{spec.jdbc_driver.name}.jar"
    _install_file("Install the JDBC driver", spec.jdbc_driver, driver, owner=spec.user)
    written = files.converge(
        name="Write configuration, options and unit",
        files=files_of(spec),
        folders=(Folder(path=f"{spec.home}/autodeploy", user=spec.user, group=spec.user, by=spec.user),),
    )
    switched = _switch("Switch to this TongWeb", spec.product, FOLDER)
    _switch("Switch to this portal", spec.portal, PORTAL_FOLDER)
    autodeploys = spec.tongweb.deploys_by == DeploysBy.AUTODEPLOY
    if autodeploys:
        operations.war_installed(
            name="Install the portal's WAR",
            war=f"{PORTAL_FOLDER}/current/{WAR}",
            target=f"{FOLDER}/current/autodeploy/{WAR}",
        )
    assembled = f"{spec.home}/conf/tongweb.xml"
    configured = operations.configuration_assembled(
        name="Put the configuration together", path=assembled, written=(written, switched)
    )
    services.service_running(
        name="Keep TongWeb running",
        unit=UNIT,
        restart_after=(
            assembled,
            f"{spec.home}/bin/external.vmoptions",
            f"{spec.home}/license.dat",
            driver,
            f"{FOLDER}/current/{HASH_FILE}",
            _UNIT_FILE,
        ),
        why=f"{TOOL} why",
        written=(written, switched, configured),
        _serial=True,
    )
    operations.console_secured(name="Take the product's passwords from the console")
    operations.portal_served(
        name="Have the portal served",
        url=f"http://{spec.address}:{spec.tongweb.port}/portal/metrics",
        version=spec.portal.version,
        by_command=not autodeploys,
    )


def _run_installer(name: str, spec: TongWebSpec) -> None:
    assert spec.product.sha256 is not None
    artifacts.installer_run(
        name=name,
        url=spec.product.url,
        sha256=spec.product.sha256,
        folder=FOLDER,
        version=spec.product.version,
        owner=spec.user,
        properties=render(
            "tongweb/install.properties.j2",
            tongweb=spec.tongweb,
            home=spec.home,
            java_home=spec.java_home,
        ),
    )


def _install_file(name: str, artifact: Artifact, path: str, *, owner: str) -> None:
    assert artifact.sha256 is not None
    artifacts.file_installed(name=name, url=artifact.url, sha256=artifact.sha256, path=path, owner=owner)


def _switch(name: str, artifact: Artifact, folder: str) -> Any:  # noqa: ANN401 - pyinfra's own
    assert artifact.sha256 is not None
    return artifacts.version_linked(
        name=name, folder=folder, version=artifact.version, sha256=artifact.sha256
    )


def _unpack(
    name: str, artifact: Artifact, folder: str, *, owner: str, smoke_command: str | None = None
) -> None:
    assert artifact.sha256 is not None
    artifacts.archive_unpacked(
        name=name,
        url=artifact.url,
        sha256=artifact.sha256,
        folder=folder,
        version=artifact.version,
        arch=artifact.arch,
        owner=owner,
        smoke_command=smoke_command,
    )
