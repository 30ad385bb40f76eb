"""Faults on a host, as values: shell scripts that make a fault, check it and undo it.

A timer on the host, set before the fault is made, undoes the fault too, so that it ends even if the control
machine dies. The scripts are arguments of one outer script, so that nothing must be quoted twice.
"""

from dataclasses import dataclass

DATABASE_UNIT = "loanstack-oceanbase.service"
DATABASE_DIR = "/data/oceanbase"
DATABASE_USER = "oceanbase"
AGENT_UNIT = "loanstack-failover.service"
ETCD_UNIT = "etcd.service"
TONGWEB_UNIT = "loanstack-tongweb.service"
LOAN_UNIT = "loanstack-loan.service"

UNITS = "loanstack-drill-"
"""Prefix of each unit that a drill makes on a host, so that left-over units can be found."""

ON_SMALL_DISK = "its data lie on a small disk"
"""Residue of a host whose data were moved and not moved back."""

TABLE = "loanstack_drill"
"""Name of the nftables table of a drill."""


@dataclass(frozen=True, kw_only=True)
class HostFault:
    """A fault with its undo script."""

    name: str
    """Part of its units' names on the host: letters, digits and hyphens."""
    make: str
    """Bash; returns once it has acted."""
    undo: str
    """Bash; succeeds too if the fault was never made, or is already undone."""
    seen: str
    """Bash; succeeds if the fault is seen to act, else prints the actual state."""


PAUSED_DATABASE = HostFault(
    name="paused-database",
    make=f"systemctl kill --signal=SIGSTOP {DATABASE_UNIT}",
    # To any process that now runs in the unit: one that was not stopped ignores the signal.
    undo=f"systemctl kill --signal=SIGCONT {DATABASE_UNIT} 2>/dev/null || true",
    # An agent may have ended the stopped database by now.
    seen=f"""
pid=$(systemctl show --property=MainPID --value {DATABASE_UNIT})
state=$(sed 's/.*) \\(.\\).*/\\1/' "/proc/$pid/stat" 2>/dev/null)
case ${{state:-gone}} in T|Z|gone) exit 0;; esac
echo "the database's process is in state $state, and not stopped"
exit 1
""",
)

# Killed first, so that it cannot shut down cleanly; then stopped, so that systemd does not restart it.
LOST_ETCD_MEMBER = HostFault(
    name="lost-etcd-member",
    make=f"systemctl kill --signal=SIGKILL {ETCD_UNIT}; systemctl stop {ETCD_UNIT}",
    # --no-block: a member is up only when a majority is, and the other members may have to be started first.
    undo=f"systemctl reset-failed {ETCD_UNIT} 2>/dev/null; systemctl start --no-block {ETCD_UNIT}",
    seen=f"! systemctl is-active {ETCD_UNIT}",
)

_DDL_TABLE = "loanstack.drill_ddl"
_DDL_WORK = f"{UNITS}work-ddl"
_DDL_DONE = f"/run/{UNITS}ddl"
_DDL_CYCLE = (
    f"DROP TABLE IF EXISTS {_DDL_TABLE}; CREATE TABLE {_DDL_TABLE} (id BIGINT PRIMARY KEY, a INT);"
    f" ALTER TABLE {_DDL_TABLE} ADD COLUMN b INT;"
    f" ALTER TABLE {_DDL_TABLE} DROP COLUMN a; DROP TABLE {_DDL_TABLE};"
)
_DDL_LOOP = (
    f"while :; do if loanstack-db sql <<<'{_DDL_CYCLE}' >/dev/null 2>&1;"
    f" then echo >>{_DDL_DONE}; else sleep 0.5; fi; done"
)

CHANGING_TABLES = HostFault(
    name="changing-tables",
    make=f"""
rm -f {_DDL_DONE}
systemd-run --quiet --collect --unit={_DDL_WORK} --property=RuntimeMaxSec=300 /bin/bash -c "{_DDL_LOOP}"
for try in $(seq 100); do
    if [ -s {_DDL_DONE} ]; then exit 0; fi
    sleep 0.1
done
echo 'no table was made, changed and dropped within 10 s'
exit 1
""",
    undo=f"""
systemctl stop {_DDL_WORK} 2>/dev/null
rm -f {_DDL_DONE}
loanstack-db sql <<<'DROP TABLE IF EXISTS {_DDL_TABLE}' >/dev/null 2>&1 || true
""",
    seen=f"test -s {_DDL_DONE} && systemctl is-active {_DDL_WORK}",
)


def cut_from_etcd(client_port: int) -> HostFault:
    """Return the fault that drops packets from this host to any member's client port, its own included."""
    return HostFault(
        name="cut-from-etcd",
        make=f"""
nft -f - <<'END'
table inet {TABLE}
delete table inet {TABLE}
table inet {TABLE} {{
    chain output {{
        type filter hook output priority -10; policy accept;
        tcp dport {client_port} counter drop
    }}
}}
END
""",
        undo=f"nft delete table inet {TABLE} 2>/dev/null || true",
        seen=f"""
nft list table inet {TABLE} | grep --quiet 'packets [1-9]' && exit 0
echo 'no packet to etcd was dropped'
exit 1
""",
    )


def killed(name: str, unit: str) -> HostFault:
    """Return the fault that kills all processes of a unit, as a crash does; + name: name of the fault."""
    return HostFault(
        name=name,
        make=f"systemctl kill --signal=SIGKILL {unit}",
        undo=f"systemctl start {unit}",
        seen=f"""
set_at=$(systemctl show --property=ActiveEnterTimestampMonotonic --value {UNITS}undo-{name}.timer)
began=$(systemctl show --property=ExecMainStartTimestampMonotonic --value {unit})
if [ "$set_at" = 0 ]; then echo 'its timer is not set, so it was not made'; exit 1; fi
if systemctl --quiet is-active {unit} && [ "$began" -lt "$set_at" ]; then
    echo '{unit} runs as before'
    exit 1
fi
""",
    )


_BEGIN = f"""
undo={UNITS}undo-$1
systemctl stop "$undo.timer" 2>/dev/null
systemctl reset-failed "$undo.service" 2>/dev/null
systemd-run --quiet --collect --unit="$undo" --description="undoes $1" --on-active="$2" \\
    --timer-property=AccuracySec=100ms /bin/bash -c "$4" || exit 1
/bin/bash -c "$3"
"""

_UNDO = f"""
systemctl stop "{UNITS}undo-$1.timer" 2>/dev/null
/bin/bash -c "$2"
"""


def begin_argv(fault: HostFault, *, for_s: float) -> list[str]:
    """Return the command that sets a timer, which undoes `fault` after `for_s`, and then makes `fault`."""
    # systemd expands variables in a command; a doubled dollar is left for the script.
    later = fault.undo.replace("$", "$$")
    return ["bash", "-c", _BEGIN, "begin", fault.name, f"{for_s:g}s", fault.make, later]


def undo_argv(fault: HostFault) -> list[str]:
    """Return the command that stops the timer and undoes `fault`."""
    return ["bash", "-c", _UNDO, "undo", fault.name, fault.undo]
