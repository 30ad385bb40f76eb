"""Faults between clients and the database: of a gateway, of TongWeb with the portal, of a loan service."""

import shlex

from chaos.catalogue.faults import on_hosts, silent
from chaos.catalogue.model import Fault, Heal, Target
from chaos.system.host_fault import LOAN_UNIT, TONGWEB_UNIT, UNITS, HostFault, killed
from inventory.model import Environment

_HOME = "/opt/loanstack/tongweb/current"
_SLOW_WORK = f"{UNITS}work-slow-calls"
_SLOW_EACH_S = 15
TONGWEB_ADDRESS = (
    'address=$(sed -n \'s|^  "portal_url": "http://\\([0-9.]*\\):.*|\\1|p\' /etc/loanstack/tongweb.json)\n'
    '[ -n "$address" ] || { echo "/etc/loanstack/tongweb.json has no portal_url"; exit 1; }'
)
"""Bash that finds the address at which gateways call a host's TongWeb, in the settings of its tool."""
_ANSWERS_WITHIN_S = 2.0
_OPTIONS = f"{_HOME}/bin/external.vmoptions"
_KEPT_OPTIONS = f"/run/{UNITS}vmoptions"
_SMALL_HEAP_MIB = 24
"""Enough heap for the server to start, and too little to serve requests."""


def killed_tongweb() -> Fault:
    """Kill TongWeb of one host, as a crash of its JVM does."""
    return _killed("tongweb", "TongWeb", TONGWEB_UNIT, Target.PORTAL, "it is up, warm and in rotation")


def hung_tongweb(env: Environment, *, lasts_s: float) -> Fault:
    """Keep every thread of one host's TongWeb busy with calls that never send their body.

    + env: gives TongWeb's port and number of threads
    """
    calls = env.tongweb.max_threads + 64
    head = r"POST /portal/api/v1/products HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"
    # The server closes a call when its time-out is over, so the loop makes new calls.
    loop = (
        f"ulimit -n {2 * calls}; while :; do for n in $(seq {calls}); do"
        f" exec {{call}}<>/dev/tcp/$ADDRESS/{env.tongweb.port} && printf '{head}' >&$call; done;"
        f" sleep {_SLOW_EACH_S}; done"
    )
    ask = r"exec 3<>/dev/tcp/$1/$2 && printf 'GET / HTTP/1.0\r\n\r\n' >&3 && head --lines=1 <&3"
    return on_hosts(
        HostFault(
            name="hung-tongweb",
            make=f"""
{TONGWEB_ADDRESS}
systemd-run --quiet --collect --unit={_SLOW_WORK} --property=RuntimeMaxSec=300 \\
    --property=LimitNOFILE=65536 --setenv=ADDRESS=$address /bin/bash -c {shlex.quote(loop)}
""",
            undo=f"systemctl stop {_SLOW_WORK} 2>/dev/null || true",
            seen=f"""
{TONGWEB_ADDRESS}
answer=$(timeout {_ANSWERS_WITHIN_S:g} bash -c {shlex.quote(ask)} ask "$address" {env.tongweb.port})
if [ $? = 124 ]; then exit 0; fi
echo "TongWeb answers without delay: ${{answer:-nothing}}"
exit 1
""",
        ),
        "keep all threads of one host's TongWeb busy in slow calls",
        on=Target.PORTAL,
        undo="end the slow calls",
        lasts_s=lasts_s,
    )


def starved_portal(*, lasts_s: float) -> Fault:
    """Let one host's TongWeb run out of heap again and again, until its own heap size is restored."""
    return on_hosts(
        HostFault(
            name="starved-portal",
            make=f"""
cp --preserve=all {_OPTIONS} {_KEPT_OPTIONS}
sed -i 's/^-Xm\\([sx]\\).*/-Xm\\1{_SMALL_HEAP_MIB}m/' {_OPTIONS}
systemctl kill --signal=SIGKILL {TONGWEB_UNIT}
""",
            undo=f"""
if [ -e {_KEPT_OPTIONS} ]; then
    cp --preserve=all {_KEPT_OPTIONS} {_OPTIONS}
    rm -f {_KEPT_OPTIONS}
    systemctl restart {TONGWEB_UNIT}
fi
""",
            seen=f"""
group=$(systemctl show --property=ControlGroup --value {TONGWEB_UNIT})
for pid in $(cat "/sys/fs/cgroup$group/cgroup.procs"); do
    if tr '\\0' '\\n' <"/proc/$pid/cmdline" | grep --quiet --line-regexp -e -Xmx{_SMALL_HEAP_MIB}m; then
        exit 0
    fi
done
echo 'no process of TongWeb has so little heap'
exit 1
""",
        ),
        f"kill one host's TongWeb and let it come back with {_SMALL_HEAP_MIB} MiB of heap",
        on=Target.PORTAL,
        undo="restore its heap size, wait until it is in rotation",
        lasts_s=lasts_s,
    )


def killed_service() -> Fault:
    """Kill the loan services of one host."""
    return _killed("service", "loan services", LOAN_UNIT, Target.SERVICE, "they run")


def lost_gateway() -> Fault:
    """Pull the plug of a gateway: its virtual address has to move."""
    return Fault(
        title="power off",
        on=Target.GATEWAY,
        inject=lambda world, topology, for_s: world.power.off(Target.GATEWAY.hosts(topology)[0]),
        acts=lambda world, topology: silent(world, Target.GATEWAY.hosts(topology)[0]),
        heal=Heal(
            title="switch the gateway on",
            undo=lambda world, topology: world.power.on(Target.GATEWAY.hosts(topology)[0]),
            failsafe="no timer on the target, because a host without power runs none; the next run switches"
            " the host on first",
        ),
    )


def _killed(name: str, what: str, unit: str, on: Target, until: str) -> Fault:
    return on_hosts(
        killed(f"killed-{name}", unit),
        f"kill -9 of one host's {what}",
        on=on,
        undo=f"wait until {until}",
    )
