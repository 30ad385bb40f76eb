"""Compiles Java sources to reproducible archives: equal sources give equal bytes."""

import zipfile
from collections.abc import Sequence
from pathlib import Path

from lab.commands import run

JAVA_HOME = Path("/usr/lib/jvm/java-17-openjdk-amd64")
"""Of Debian's openjdk-17-jdk-headless."""
JARS = Path("/usr/share/java")
"""Of Debian's libtomcat9-java."""
SERVLET_API = JARS / "tomcat9-servlet-api.jar"

_RELEASE = "11"
"""Java release of the compiled code: the oldest after 8 that TongWeb 7 runs on."""
_DEADLINE_S = 120
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a ZIP archive can store."""


def compile_into(classes: Path, sources: Path, *, classpath: Sequence[Path]) -> None:
    """Compile all Java files below `sources`; a warning is an error.

    + classes: folder to be filled

    Raises:
        LabError: the sources do not compile; has the compiler's output.
    """
    files = sorted(str(path) for path in sources.rglob("*.java"))
    command = [str(JAVA_HOME / "bin/javac"), "-Xlint:all", "-Werror", "--release", _RELEASE]
    jars = ":".join(str(path) for path in classpath)
    run(
        [*command, "-d", str(classes), "-cp", jars, *files],
        doing=f"compile {sources}",
        deadline_s=_DEADLINE_S,
    )


def archive(target: Path, *folders: Path) -> None:
    """Write the files of `folders`, merged into one tree, as a JAR or WAR."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, path in sorted(
            (str(path.relative_to(folder)), path)
            for folder in folders
            for path in folder.rglob("*")
            if path.is_file()
        ):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            packed.writestr(entry, path.read_bytes())


def files_below(folder: Path) -> list[tuple[str, Path]]:
    """Return (name below `folder`, path) of every file."""
    return sorted((str(path.relative_to(folder)), path) for path in folder.rglob("*") if path.is_file())
