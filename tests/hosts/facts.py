"""Facts of a host that are read for many names at once: one command, where testinfra would run one for each.

On an emulated host a process costs ten times as much as elsewhere, and a connection is not free either.
"""

from collections.abc import Iterable, Sequence

from testinfra.host import Host as Probe


def units(probe: Probe, names: Sequence[str], *properties: str) -> dict[str, dict[str, str]]:
    """Return {unit: {property: value}} of systemd; a unit that is not there has LoadState=not-found.

    + names: units with their endings
    + properties: names as in `systemctl show`, such as ActiveState
    """
    asked = ",".join(("Id", *properties))
    answer = probe.check_output(f"systemctl show --property={asked} {_places(names)}", *names)
    return of_units(answer, names)


def of_units(answer: str, names: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return {unit: {property: value}} from what `systemctl show` printed, a paragraph for each name."""
    found = []
    for paragraph in answer.strip().split("\n\n"):
        lines = [line.partition("=") for line in paragraph.splitlines() if "=" in line]
        found.append({key: value for key, _, value in lines if key != "Id"})
    return dict(zip(names, found, strict=True))


def kernel_settings(probe: Probe, names: Sequence[str]) -> dict[str, str]:
    """Return {name: value} of running kernel settings; one that the kernel lacks is left out."""
    return of_kernel(probe.run(f"sysctl {_places(names)}", *names).stdout)


def of_kernel(answer: str) -> dict[str, str]:
    """Return {name: value}, with single blanks, from lines `name = value` of `sysctl` or of its file."""
    lines = (line for line in answer.splitlines() if "=" in line and not line.startswith("#"))
    pairs = (line.partition("=") for line in lines)
    return {name.strip(): " ".join(value.split()) for name, _, value in pairs}


def signatures(probe: Probe, names: Sequence[str]) -> dict[str, str]:
    """Return {package: signature} of installed packages; "" for a package without one."""
    wanted = "%{NAME}|%{RSAHEADER:pgpsig}|%{SIGPGP:pgpsig}\\n"
    answer = probe.run(f"rpm --query --queryformat %s {_places(names)}", wanted, *names).stdout
    return of_signatures(answer)


def of_signatures(answer: str) -> dict[str, str]:
    """Return {package: signature} from lines `name|signature|older kind of signature` that `rpm` printed."""
    rows = [line.split("|") for line in answer.splitlines() if line.count("|") == 2]
    return {name: next((each for each in found if "Key ID" in each), "") for name, *found in rows}


def oldest_process(probe: Probe, program: str) -> int:
    """Return the id of the first process of `program`; those that it started have higher ones."""
    found = [process.pid for process in probe.process.filter(comm=program)]
    assert found, f"expected a process of {program}, found none"
    return int(min(found))


def limits(probe: Probe, pid: int) -> tuple[dict[str, str], dict[str, str]]:
    """Return {limit: value} of one process, soft and hard, such as `Max open files`."""
    table = probe.check_output("cat /proc/%s/limits", str(pid)).splitlines()[1:]
    soft = {line[:26].strip(): line[26:47].strip() for line in table}
    return soft, {line[:26].strip(): line[47:68].strip() for line in table}


def access(probe: Probe, paths: Iterable[str]) -> dict[str, str]:
    """Return {path: "user:group mode"}, such as `root:root 600`; a path that is not there is left out."""
    named = sorted(paths)
    if not named:
        return {}
    answer = probe.run(f"stat --dereference --format '%%n|%%U:%%G %%a' {_places(named)}", *named).stdout
    return dict(line.split("|", 1) for line in answer.splitlines())  # type: ignore[misc]


def _places(names: Sequence[str]) -> str:
    """Return a `%s` for each name: testinfra quotes what it puts there."""
    return " ".join(["%s"] * len(names))
