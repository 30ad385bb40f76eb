"""The JDBC pool for applications on TongWeb."""

from dataclasses import dataclass, field

from deploys.content import AUTHORITY
from inventory.model import DataSource, Environment
from inventory.secrets import Secrets

USER = "tongweb"
"""Database user that may read the data that applications show, and nothing else."""
_CONNECT_TIMEOUT_MS = 500
_ANSWER_TIMEOUT_MS = 5_000


@dataclass(frozen=True, kw_only=True)
class DataSourceSpec:
    """The pool of one host, which goes through the SQL proxy of that host."""

    name: str = "jdbc/loan"
    """JNDI name, below `java:comp/env/`; applications have it in their descriptors."""
    pool: DataSource
    url: str
    user: str
    password: str = field(repr=False)


def data_source_spec(env: Environment, secrets: Secrets) -> DataSourceSpec:
    """Return the pool, which is the same on every host."""
    pool = env.tongweb.data_source
    # These time-outs end a connection whose database was cut off; one that the proxy closes ends at once.
    options = f"connectTimeout={_CONNECT_TIMEOUT_MS}&socketTimeout={_ANSWER_TIMEOUT_MS}"
    if env.database.sql_tls:
        # The proxy passes TLS on as it is, so the certificate of each database also names loopback.
        options += f"&useSsl=true&serverSslCert={AUTHORITY}"
    return DataSourceSpec(
        pool=pool,
        url=f"jdbc:{pool.protocol}://127.0.0.1:{pool.proxy_port}/{env.database.schema}?{options}",
        user=USER,
        password=secrets.data_source_password,
    )
