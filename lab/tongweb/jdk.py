"""The Java runtime of TongWeb: the modules of Debian's OpenJDK that it needs, in one folder."""

from pathlib import Path

from lab import tarballs
from lab.commands import run
from lab.errors import RefusedError
from lab.tongweb.javac import JAVA_HOME

NAME = "jdk"
_RECIPE_VERSION = 2
"""Raise this number if a change of this module changes the content of the runtime; part of its file name."""
_MODULES = (
    "java.desktop",
    "java.instrument",
    "java.logging",
    "java.management",
    "java.naming",
    "java.net.http",
    "java.rmi",
    "java.security.jgss",
    "java.sql",
    "java.sql.rowset",
    "java.xml",
    "jdk.crypto.ec",
    "jdk.jcmd",
    "jdk.management",
    "jdk.unsupported",
)
"""Modules that Tomcat and a JDBC driver need, and jcmd to inspect a running server."""
_DEADLINE_S = 300


def version() -> str:
    """Return the version of this machine's OpenJDK 17 and of our recipe.

    Raises:
        RefusedError: there is none.
    """
    release = JAVA_HOME / "release"
    if not release.exists():
        raise RefusedError(f"{release} is missing: install openjdk-17-jdk-headless, or run: make setup")
    for line in release.read_text().splitlines():
        if line.startswith("JAVA_VERSION="):
            return f"{line.partition('=')[2].strip(chr(34))}.{_RECIPE_VERSION}"
    raise RefusedError(f"{release} has no JAVA_VERSION; install openjdk-17-jdk-headless again")


def build(cache: Path) -> Path:
    """Return the runtime for hosts; link it if the cache lacks it.

    Raises:
        LabError: jlink failed; has its output.
    """
    return tarballs.cached(cache / "artifacts", NAME, version(), _link)


def _link(content: Path) -> None:
    # jlink makes the folder itself.
    content.rmdir()
    options = ["--strip-debug", "--no-header-files", "--no-man-pages", "--generate-cds-archive"]
    modules = ",".join(_MODULES)
    run(
        [str(JAVA_HOME / "bin/jlink"), *options, "--add-modules", modules, "--output", str(content)],
        doing="link the Java runtime",
        deadline_s=_DEADLINE_S,
    )
