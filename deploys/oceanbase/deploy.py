"""OceanBase in two stages: first the primary; the standby after the rest of the site.

A primary younger than about 15 s refuses a standby (-4023, after half a minute). The time between the two
stages is used for the other components, instead of waiting.
"""

from pyinfra.api.deploy import deploy

from deploys.component import HostContext
from deploys.oceanbase import instance, package, schema
from deploys.oceanbase.spec import OceanBaseSpec, oceanbase_spec
from inventory.model import DatabaseRole


def spec_of(context: HostContext) -> OceanBaseSpec:
    """Return the database of the host of `context`."""
    return oceanbase_spec(context.env, context.host, context.secrets)


@deploy("OceanBase")
def oceanbase(spec: OceanBaseSpec) -> None:
    """Install on every database host, and bring the primary up with its users and tables.

    + spec: the database of this host
    """
    package.install(spec)
    instance.bring_up(spec, as_first_role=DatabaseRole.PRIMARY)
    schema.converge(spec)


@deploy("OceanBase standby")
def oceanbase_standby(spec: OceanBaseSpec) -> None:
    """Bring the standby up, and wait until the pair is healthy.

    + spec: the database of this host
    """
    instance.bring_up(spec, as_first_role=DatabaseRole.STANDBY)
    instance.settle(spec)
