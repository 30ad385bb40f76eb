"""The stand-in for TongWeb: Apache Tomcat 9 in TongWeb 7's layout, with its scripts, licence check and log.

TongWeb is licensed and its package is the bank's own. This one says what it is in its banner, its version and
its licence; everything that deploys, checks, restarts or breaks it is the same for both.
"""

import shutil
import tempfile
from pathlib import Path

from lab import tarballs
from lab.tongweb.javac import JARS, archive, compile_into, files_below

NAME = "tongweb"
SOURCES = Path(__file__).parent
"""With bin/, conf/ and java/, from which it is made."""
_RECIPE_VERSION = 1
"""To be raised when this module changes what the distribution holds."""
_TOMCAT = (
    "annotations-api",
    "api",
    "catalina",
    "coyote",
    "el-api",
    "jaspic-api",
    "jdbc",
    "jni",
    "jsp-api",
    "juli",
    "servlet-api",
    "util",
    "util-scan",
)
_FOLDERS = (
    "applications",
    "autodeploy",
    "conf/schema",
    "conf/security",
    "deployment",
    "domain_template",
    "license_update",
    "logs",
    "native",
    "persistence",
    "samples",
    "service",
    "snapshot",
    "temp",
    "tools",
)
"""Of TongWeb's layout; empty until the server or the deploy fills them."""


def jars() -> list[Path]:
    """Return Tomcat's libraries that it is made of."""
    return [JARS / f"tomcat9-{name}.jar" for name in _TOMCAT]


def version(sources: Path = SOURCES) -> str:
    """Return Tomcat's version, and 12 hex digits of a hash of all that the distribution is made from."""
    tomcat = (JARS / "tomcat9-catalina.jar").resolve().stem.rpartition("-")[2]
    parts = [each for name in ("bin", "conf", "java") for each in files_below(sources / name)]
    parts += [(path.name, path) for path in jars()]
    return f"{tomcat}+{tarballs.digest_of((_RECIPE_VERSION, _FOLDERS), parts)}"


def lay_out(home: Path, sources: Path = SOURCES) -> None:
    """Fill the folder `home` as the package does when it is unpacked.

    Raises:
        LabError: the stand-in's own part does not compile.
    """
    for name in _FOLDERS:
        (home / name).mkdir(parents=True)
    shutil.copytree(sources / "bin", home / "bin")
    shutil.copytree(sources / "conf", home / "conf", dirs_exist_ok=True)
    lib = home / "lib"
    lib.mkdir()
    for path in jars():
        shutil.copyfile(path, lib / path.name)
    with tempfile.TemporaryDirectory(prefix="loanstack-classes-") as classes:
        compile_into(Path(classes), sources / "java", classpath=jars())
        archive(lib / "tongweb-standin.jar", Path(classes))


def write_installer(target: Path, package: Path) -> None:
    """Write the other form in which the vendor delivers: a program that asks, or reads its answers.

    + target: the .bin to write
    + package: the archive that `build` returned
    """
    stub = (SOURCES / "installer/stub.sh").read_bytes()
    target.write_bytes(stub + package.read_bytes())
    target.chmod(0o755)


def build(cache: Path, sources: Path = SOURCES) -> Path:
    """Return the package for hosts, built when the cache lacks it."""

    def fill(content: Path) -> None:
        lay_out(content, sources)

    return tarballs.cached(cache / "artifacts", NAME, version(sources), fill)
