"""The stand-in for TongWeb: Apache Tomcat 9 in TongWeb 7's layout, with its scripts, licence check and log.

TongWeb is licensed, and only the bank has its package. The stand-in says so in its banner, its version and
its licence. All code that deploys, checks, restarts or breaks it is the same for both.
"""

import shutil
import tempfile
from pathlib import Path

from lab import tarballs
from lab.tongweb.javac import JARS, archive, compile_into, files_below

NAME = "tongweb"
SOURCES = Path(__file__).parent
"""Our sources of the stand-in, with bin/, conf/ and java/."""
_RECIPE_VERSION = 1
"""Raise this number if a change of this module changes the content of the distribution."""
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
"""Folders of TongWeb's layout that are empty until the server or the deploy fills them."""


def jars() -> list[Path]:
    """Return the libraries of Tomcat that the stand-in contains."""
    return [JARS / f"tomcat9-{name}.jar" for name in _TOMCAT]


def version(sources: Path = SOURCES) -> str:
    """Return Tomcat's version, and 12 hex digits of a hash of everything the distribution is made from."""
    tomcat = (JARS / "tomcat9-catalina.jar").resolve().stem.rpartition("-")[2]
    parts = [each for name in ("bin", "conf", "java") for each in files_below(sources / name)]
    parts += [(path.name, path) for path in jars()]
    return f"{tomcat}+{tarballs.digest_of((_RECIPE_VERSION, _FOLDERS), parts)}"


def lay_out(home: Path, sources: Path = SOURCES) -> None:
    """Fill the folder `home` with the content of the package.

    Raises:
        LabError: our Java code does not compile.
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
    """Write the vendor's other form of delivery: an installer that asks questions, or reads answers.

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
