"""The JDBC driver of TongWeb's pool: MariaDB's, which works with OceanBase; banks use OceanBase's own."""

import shutil
from pathlib import Path

from lab.errors import RefusedError
from lab.tongweb.javac import JARS

NAME = "jdbc-driver"
_JAR = JARS / "mariadb-java-client.jar"
"""Of Debian's libmariadb-java."""


def version() -> str:
    """Return the driver's version.

    Raises:
        RefusedError: there is none on this machine.
    """
    named = sorted(JARS.glob("mariadb-java-client-[0-9]*.jar"))
    if not named:
        raise RefusedError(f"{_JAR} is missing: install libmariadb-java, or run: make setup")
    return named[-1].stem.rpartition("-")[2]


def build(cache: Path) -> Path:
    """Return the driver as a file for hosts; copy it if the cache lacks it.

    Raises:
        RefusedError: there is none on this machine.
    """
    target = cache / "artifacts" / f"{NAME}-{version()}-x86_64.jar"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_JAR, target)
    return target
