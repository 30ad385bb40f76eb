"""Turns a Debian package into the text of an RPM spec file. Pure; `lab.rpm_repo` runs rpmbuild.

An RPM gets real `Requires`, but only on packages of the depot, because the RPM database of a lab host does
not contain the base image. Debian's maintainer scripts do not run; `lab.scriptlets` replaces them.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from lab.scriptlets import Chores

_CLAUSE = re.compile(
    r"^(?P<name>[a-z0-9][a-z0-9+.-]*)(:[a-z0-9-]+)?"
    r"(\s*\(\s*(?P<operator><<|<=|=|>=|>>)\s*(?P<version>[^)\s]+)\s*\))?"
    r"(\s*\[[^]]*\])?(\s*<[^>]*>)*$"
)
_OPERATORS = {"<<": "<", "<=": "<=", "=": "=", ">=": ">=", ">>": ">"}
_ARCHITECTURES = {"all": "noarch", "amd64": "x86_64", "arm64": "aarch64"}


@dataclass(frozen=True, kw_only=True)
class Version:
    """A package version as RPM splits it."""

    epoch: int
    version: str
    release: str

    @property
    def text(self) -> str:
        """The whole version, as written after an operator."""
        epoch = f"{self.epoch}:" if self.epoch else ""
        return f"{epoch}{self.version}-{self.release}"


@dataclass(frozen=True, kw_only=True)
class Relation:
    """One package name that satisfies a dependency."""

    name: str
    operator: str | None = None
    """RPM's operator; None: any version."""
    version: Version | None = None
    release_given: bool = True
    """Whether the version names a Debian revision; without one RPM must not compare releases."""


@dataclass(frozen=True, kw_only=True)
class DebControl:
    """Control data of a Debian package."""

    name: str
    version: Version
    architecture: str
    """RPM's name: `noarch`, `x86_64`, `aarch64`."""
    summary: str
    depends: tuple[tuple[Relation, ...], ...]
    """Each element is a choice: one of its relations must hold."""
    provides: tuple[Relation, ...]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A path in the package."""

    path: str
    """Absolute."""
    is_directory: bool


def parse_version(text: str) -> Version:
    """Return `[epoch:]upstream[-revision]` split into RPM's fields.

    Debian's epoch is a separate field in RPM; neither Version nor Release may contain a dash.

    Raises:
        ValueError: the epoch is not a number, or the rest is empty.
    """
    epoch, colon, rest = text.rpartition(":")
    if colon and not epoch.isdigit():
        raise ValueError(f"Debian version {text!r}: epoch {epoch!r} is not a number")
    upstream, dash, revision = rest.rpartition("-")
    if not dash:
        upstream, revision = rest, "0"
    if not upstream or not revision:
        raise ValueError(f"Debian version {text!r} is not [epoch:]upstream[-revision]")
    return Version(epoch=int(epoch) if colon else 0, version=upstream.replace("-", "."), release=revision)


def parse_relations(text: str) -> tuple[tuple[Relation, ...], ...]:
    """Return a `Depends` field as choices.

    Raises:
        ValueError: a clause is not of Debian's form; names it.
    """
    return tuple(
        tuple(_relation(alternative.strip()) for alternative in choice.split("|"))
        for choice in text.split(",")
        if choice.strip()
    )


def parse_control(text: str) -> DebControl:
    """Return the control data that `dpkg-deb --field` printed.

    Raises:
        ValueError: a field is missing or malformed.
    """
    fields: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        if line[:1].isspace():
            fields[name] += "\n" + line.strip()
        elif ":" in line:
            name, _, value = line.partition(":")
            fields[name] = value.strip()
    missing = [f for f in ("Package", "Version", "Architecture") if f not in fields]
    if missing:
        raise ValueError(f"Debian control data lacks {', '.join(missing)}: {text[:200]!r}")
    architecture = fields["Architecture"]
    if architecture not in _ARCHITECTURES:
        known = ", ".join(_ARCHITECTURES)
        raise ValueError(f"{fields['Package']}: architecture {architecture!r} is not one of {known}")
    needs = [fields[f] for f in ("Pre-Depends", "Depends") if f in fields]
    provides = parse_relations(fields.get("Provides", ""))
    return DebControl(
        name=fields["Package"],
        version=parse_version(fields["Version"]),
        architecture=_ARCHITECTURES[architecture],
        summary=fields.get("Description", fields["Package"]).splitlines()[0],
        depends=parse_relations(", ".join(needs)),
        provides=tuple(choice[0] for choice in provides),
    )


def requires(package: DebControl, depot: Mapping[str, DebControl]) -> tuple[str, ...]:
    """Return the `Requires` of `package`: of each choice, the first package that the depot has.

    + depot: every package of the depot by its name; choices that none satisfies are part of the image

    A virtual package's name is replaced by the name of the package that provides it, because dnf does not
    know Debian's virtual packages.
    """
    providers = {p.name: owner for owner, control in sorted(depot.items()) for p in control.provides}
    found: list[str] = []
    for choice in package.depends:
        for relation in choice:
            if relation.name in depot:
                found.append(_requirement(relation))
                break
            if relation.name in providers and providers[relation.name] != package.name:
                found.append(providers[relation.name])
                break
    return tuple(dict.fromkeys(found))


def spec(
    package: DebControl,
    *,
    needs: Sequence[str],
    entries: Sequence[Entry],
    base_directories: Collection[str],
    content: str,
    chores: Chores,
) -> str:
    """Return the spec file that packs `content` as an RPM.

    + needs: its `Requires`
    + entries: its paths
    + base_directories: directories of the image, which no package owns
    + content: folder on the build machine with the files
    + chores: tasks of Debian's maintainer scripts
    """
    head = [
        f"Name: {package.name}",
        *([f"Epoch: {package.version.epoch}"] if package.version.epoch else []),
        f"Version: {package.version.version}",
        f"Release: {package.version.release}",
        f"Summary: {package.summary}",
        "License: see the Debian package of the same name and version",
        "AutoReqProv: no",
        *([f"BuildArch: {package.architecture}"] if package.architecture == "noarch" else []),
        *(f"Requires: {need}" for need in needs),
    ]
    units = systemd_units(entries)
    before, after, ending = chores.before_install(), chores.after_install(), []
    if any(".so" in e.path.rsplit("/", 1)[-1] and e.path.startswith("/usr/lib/") for e in entries):
        after = (*after, "ldconfig")
    if units:
        after = (*after, "systemctl daemon-reload >/dev/null 2>&1 || :")
        # $1 is 0 if the package is removed, and 1 if a newer version replaces it.
        names = " ".join(units)
        ending = [f'[ "$1" != 0 ] || systemctl --no-reload disable --now {names} >/dev/null 2>&1 || :']
    sections = [
        "\n".join(head),
        f"%description\n{package.summary} (made from the Debian package for the lab's depot)",
        f"%install\nmkdir -p %{{buildroot}}\ncp -a {content}/. %{{buildroot}}/",
        *(["%pre\n" + "\n".join(before)] if before else []),
        *(["%post\n" + "\n".join(after)] if after else []),
        *(["%preun\n" + "\n".join(ending)] if ending else []),
        "%files\n" + "\n".join(_file_lines(entries, base_directories)),
    ]
    return "\n\n".join(sections) + "\n"


def systemd_units(entries: Sequence[Entry]) -> tuple[str, ...]:
    """Return the names of the services and timers among `entries` that can be enabled as they are."""
    folder = "/usr/lib/systemd/system/"
    names = [e.path.removeprefix(folder) for e in entries if e.path.startswith(folder)]
    return tuple(n for n in names if n.endswith((".service", ".timer")) and "/" not in n and "@" not in n)


def _relation(clause: str) -> Relation:
    match = _CLAUSE.match(clause)
    if match is None:
        raise ValueError(f"{clause!r} is not a Debian dependency of the form: name (>= version)")
    if match["operator"] is None:
        return Relation(name=match["name"])
    return Relation(
        name=match["name"],
        operator=_OPERATORS[match["operator"]],
        version=parse_version(match["version"]),
        release_given="-" in match["version"],
    )


def _requirement(relation: Relation) -> str:
    if relation.operator is None or relation.version is None:
        return relation.name
    version = relation.version
    text = version.text if relation.release_given else version.text.removesuffix(f"-{version.release}")
    return f"{relation.name} {relation.operator} {text}"


def _file_lines(entries: Sequence[Entry], base_directories: Collection[str]) -> list[str]:
    lines = []
    for entry in entries:
        if entry.is_directory:
            if entry.path not in base_directories:
                lines.append(f'%dir "{entry.path}"')
        elif entry.path.startswith("/etc/"):
            lines.append(f'%config(noreplace) "{entry.path}"')
        else:
            lines.append(f'"{entry.path}"')
    return lines
