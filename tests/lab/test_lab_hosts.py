"""The lab as its users meet it: hosts, identity, depot, and no way out. Leaves no trace on the hosts."""

import shlex
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from inventory.model import Environment
from inventory.places import lab_dir
from lab.network import CLIENT, DEPOT_PORT

TRY_HOST = "mon-c"
"""Where packages are tried; they are removed again before the deploy's tests."""
NOT_OURS = "203.0.113.1"
"""TEST-NET-3 (RFC 5737): stands for any address out there; nothing is ever sent to it."""
TRY_REPO = """\
[try]
name=try
baseurl=http://198.18.0.1:8480/{path}/
enabled=1
gpgcheck={gpgcheck}
repo_gpgcheck={repo_gpgcheck}
gpgkey=http://198.18.0.1:8480/RPM-GPG-KEY-loanstack-lab
"""


def ok(finished) -> str:
    assert finished.exit_code == 0, finished.output
    return finished.stdout.strip()


@pytest.fixture(scope="session")
def on_every_host(lab: Environment, on_host):
    def on_every_host(command: str) -> dict[str, str]:
        names = [host.name for host in lab.hosts]
        with ThreadPoolExecutor(max_workers=len(names)) as pool:
            return dict(zip(names, pool.map(lambda name: ok(on_host(name, command)), names), strict=True))

    return on_every_host


@pytest.fixture
def try_repo(on_host) -> Iterator:
    """Point the try-out host at a repository of the depot: `try_repo("repo/x86_64")`."""

    def point(path: str, *, gpgcheck: int = 1, repo_gpgcheck: int = 1) -> None:
        text = TRY_REPO.format(path=path, gpgcheck=gpgcheck, repo_gpgcheck=repo_gpgcheck)
        ok(on_host(TRY_HOST, f"printf %s {shlex.quote(text)} > /etc/yum.repos.d/try.repo; dnf -q clean all"))

    yield point
    ok(on_host(TRY_HOST, "rm -f /etc/yum.repos.d/try.repo; dnf -q clean all"))


def test_all_seven_hosts_are_up_and_lean(lab: Environment, loanstack) -> None:
    found = loanstack("lab", "status", "--json").results
    assert found["phase"] == "up"
    assert {h["name"]: h["state"] for h in found["hosts"]} == {h.name: "up" for h in lab.hosts}
    assert all(0 < h["uptime_s"] < 900 for h in found["hosts"])
    assert found["memory_mib"] < 600, "seven idle hosts"


def test_no_hosts_sync_waits_for_the_disk_that_all_share(lab: Environment, run) -> None:
    listed = run("findmnt", "--noheadings", "--output", "FSTYPE,OPTIONS", str(lab_dir() / "hosts"))
    kind, options = ok(listed).split()
    assert kind == "ext4"
    assert "nobarrier" in options.split(",")


def test_the_table_names_every_host(lab: Environment, loanstack) -> None:
    table = ok(loanstack("lab", "status"))
    assert [h.name for h in lab.hosts if h.name not in table] == []


def test_hosts_say_they_are_kylin_and_admit_to_be_stand_ins(on_every_host) -> None:
    said = on_every_host(". /etc/os-release; echo $ID $VERSION_ID $VERSION; cat /etc/loanstack-stand-in")
    assert set(said.values()) == {"kylin V10 V10 (Lance)\nKylin V10 SP3 stand-in (Debian 12 userland)"}
    assert set(on_every_host("rpm -q kylin-release; rpm -V kylin-release").values()) == {
        "kylin-release-V10-1.lab.noarch"
    }


def test_every_host_knows_its_name_and_has_no_failed_unit(lab: Environment, on_every_host) -> None:
    assert on_every_host("hostname") == {h.name: h.name for h in lab.hosts}
    assert set(on_every_host("systemctl is-system-running --wait").values()) == {"running"}


def test_dnf_is_the_only_package_manager_and_starts_without_repositories(on_every_host) -> None:
    tools = "apt apt-get apt-cache aptitude dpkg dpkg-deb"
    said = on_every_host(
        f"for t in {tools}; do command -v $t; done; ls -A /etc/yum.repos.d; command -v dnf yum; "
        "ls -d /etc/apt /var/lib/dpkg 2>/dev/null; cat /etc/dnf/vars/releasever"
    )
    assert set(said.values()) == {"/usr/bin/dnf\n/usr/bin/yum\nV10"}


def test_dnf_installs_from_the_signed_depot_with_real_requires_users_and_epochs(on_host, try_repo) -> None:
    try_repo("repo/x86_64")
    ok(on_host(TRY_HOST, "dnf -y install mariadb-client-core chrony"))
    said = ok(
        on_host(
            TRY_HOST,
            "rpm -q --qf '%{EPOCH}\\n' mariadb-client-core; rpm -q mariadb-common libmariadb3 tzdata >&2 && "
            "mariadb --version | grep -c MariaDB; id -un _chrony; stat -c '%U %a' /var/lib/chrony; "
            "rpm -qc chrony | grep -x /etc/chrony/chrony.conf",
        )
    )
    assert said.splitlines() == ["1", "1", "_chrony", "_chrony 750", "/etc/chrony/chrony.conf"]
    ok(on_host(TRY_HOST, "dnf -y remove mariadb-client-core chrony"))
    assert ok(on_host(TRY_HOST, "rpm -qa --qf '%{NAME} '")).split() == ["kylin-release", "gpg-pubkey"]
    ok(on_host(TRY_HOST, "rpm -e gpg-pubkey && userdel _chrony && rm -rf /var/lib/chrony /var/log/chrony"))


@contextmanager
def depot_folder(name: str) -> Iterator[None]:
    """A repository of one package in the depot, whose signature was taken off."""
    folder = lab_dir() / "depot" / name
    folder.mkdir()
    try:
        package = next((lab_dir() / "depot" / "repo" / "x86_64").glob("nginx-common-*.rpm"))
        # A copy: the depot's own file is a link into the cache.
        copy = shutil.copyfile(package, folder / package.name)
        subprocess.run(["rpmsign", "--delsign", str(copy)], check=True, capture_output=True)
        subprocess.run(["createrepo_c", "--quiet", str(folder)], check=True, capture_output=True)
        yield
    finally:
        shutil.rmtree(folder)


def test_an_unsigned_package_and_an_unsigned_index_are_refused(on_host, try_repo) -> None:
    with depot_folder("unsigned"):
        try_repo("unsigned", repo_gpgcheck=0)
        package = on_host(TRY_HOST, "dnf -y install nginx-common")
        try_repo("unsigned", repo_gpgcheck=1)
        index = on_host(TRY_HOST, "dnf -y install nginx-common")
    assert package.exit_code != 0
    assert "is not signed" in package.output
    assert index.exit_code != 0
    assert "repomd.xml.asc" in index.output
    assert "not installed" in on_host(TRY_HOST, "rpm -q nginx-common").stdout


def test_artifacts_have_the_hashes_the_depot_says_and_what_is_in_them_runs(on_host) -> None:
    url = f"http://198.18.0.1:{DEPOT_PORT}/artifacts"
    fetch = "for f in $(cut -d' ' -f3 SHA256SUMS); do curl -sSfO --max-time 60 $URL/$f; done"
    said = ok(
        on_host(
            TRY_HOST,
            f"set -e; URL={url}; rm -rf /var/tmp/try; mkdir /var/tmp/try; cd /var/tmp/try; "
            f"curl -sSfO --max-time 10 $URL/SHA256SUMS; {fetch}; sha256sum --check --quiet SHA256SUMS; "
            "for f in *.tar.gz; do tar xzf $f; done; "
            "seekdb-*/bin/seekdb --version 2>&1 | grep -ci -m1 seekdb; "
            "cd loan-services-*/; env -i bin/python3 -I -c "
            "'import app_stub, asyncmy, httptools, msgspec, ssl, uvloop; print(app_stub.__file__)'; "
            "cd ../failover-agent-*/; env -i bin/python3 -I -c "
            "'import failover, aiohttp, asyncmy, click, msgspec, ssl; print(failover.__file__)'; "
            "rm -rf /var/tmp/try",
        )
    )
    counted, services, agent = said.splitlines()[-3:]
    assert counted == "1"
    assert services.startswith("/var/tmp/try/loan-services-0.1.0+")
    assert agent.startswith("/var/tmp/try/failover-agent-0.1.0+")


def test_a_changed_file_does_not_pass_for_what_the_depot_lists(on_host) -> None:
    said = on_host(
        TRY_HOST,
        f"cd /var/tmp && curl -sSf http://198.18.0.1:{DEPOT_PORT}/artifacts/SHA256SUMS > sums && "
        "f=$(head -1 sums | cut -d' ' -f3) && echo changed > $f; sha256sum --check --ignore-missing sums; "
        "status=$?; rm -f sums $f; exit $status",
    )
    assert said.exit_code == 1
    assert "FAILED" in said.stdout


def test_hosts_have_no_default_route_and_no_resolver(on_every_host) -> None:
    said = on_every_host(
        "ip route show default; ip -6 route show; grep -c ^nameserver /etc/resolv.conf || true"
    )
    assert set(said.values()) == {"0"}


def test_a_connection_out_fails_at_once_as_unreachable(on_every_host) -> None:
    attempt = f"date +%s%N; timeout 5 bash -c 'exec 3<>/dev/tcp/{NOT_OURS}/443' 2>&1; date +%s%N"
    for host, said in on_every_host(attempt).items():
        assert "Network is unreachable" in said, host
        started_ns, *_, ended_ns = said.splitlines()
        assert int(ended_ns) - int(started_ns) < 1_000_000_000, host


def test_unused_addresses_of_the_range_are_unreachable_and_do_not_leave_the_machine(lab, on_host) -> None:
    said = on_host("app-a", "timeout 5 bash -c 'exec 3<>/dev/tcp/198.19.77.1/443'")
    assert said.exit_code == 1, "an answer and not a time-out"
    assert "unreachable" in said.stderr or "No route to host" in said.stderr
    routes = subprocess.run(["ip", "route"], check=True, capture_output=True, text=True).stdout
    assert "unreachable 198.18.0.0/15" in routes


def test_centres_reach_each_other_through_the_router(on_host) -> None:
    ok(on_host("ob-a", "ping -c1 -W2 198.18.2.23"))
    ok(on_host("mon-c", "ping -c1 -W2 198.18.1.13"))
    assert ok(on_host("ob-a", "ip route get 198.18.2.23")).startswith("198.18.2.23 via 198.18.1.1 dev seg0")


def from_clients(address: str, port: int) -> str:
    program = f"import socket; socket.create_connection(({address!r}, {port}), timeout=3); print('connected')"
    done = subprocess.run(
        ["ip", "netns", "exec", CLIENT, "python3", "-c", program], capture_output=True, text=True, check=False
    )
    return (done.stdout.strip() or done.stderr.strip()).splitlines()[-1]


def test_clients_reach_gateways_in_the_dmz_and_nothing_else(lab: Environment) -> None:
    assert from_clients("198.19.0.11", 22) == "connected", "before the deploy no firewall is in the way"
    for host in lab.hosts:
        assert "unreachable" in from_clients(host.address, 22)
        assert "unreachable" in from_clients(host.management_address, 22)


def test_hosts_reach_the_depot_and_no_other_port_of_the_machine(on_host) -> None:
    with socket.create_server(("198.18.0.1", 0)) as server:
        threading.Thread(target=lambda: server.accept()[0].close(), daemon=True).start()
        port = server.getsockname()[1]
        said = on_host("app-a", f"timeout 5 bash -c 'exec 3<>/dev/tcp/198.18.0.1/{port}'")
        assert said.exit_code == 1
        assert "refused" in said.stderr
        # The listener is there: the machine itself gets through.
        socket.create_connection(("198.18.0.1", port), timeout=3).close()
    ok(on_host("app-a", f"timeout 5 bash -c 'exec 3<>/dev/tcp/198.18.0.1/{DEPOT_PORT}'"))


def test_the_depot_lists_no_folder_and_hands_out_nothing_above_its_own(on_host) -> None:
    ask = f"curl -s -o /dev/null -w '%{{http_code}}\\n' --path-as-is http://198.18.0.1:{DEPOT_PORT}"
    said = ok(on_host("app-a", f"{ask}/; {ask}/artifacts/; {ask}/../state.json; {ask}/../secrets.json"))
    assert said.splitlines() == ["404", "404", "404", "404"]


def test_hosts_cannot_change_the_machines_clock_or_kernel(on_host) -> None:
    assert on_host("ob-a", "date -s '2001-01-01'").exit_code != 0
    assert on_host("ob-a", "echo 65530 > /proc/sys/vm/max_map_count").exit_code != 0
    assert int(ok(on_host("ob-a", "cat /proc/sys/vm/max_map_count"))) >= 655_360


def test_hosts_take_the_labs_key_and_no_password(lab: Environment, run) -> None:
    address = lab.hosts[0].management_address
    known = f"UserKnownHostsFile={lab.ssh.known_hosts_file}"
    options = (
        "-o",
        "BatchMode=yes",
        "-o",
        "StrictHostKeyChecking=yes",
        "-o",
        known,
        "-o",
        "IdentitiesOnly=yes",
    )
    refused = run("ssh", "-F", "none", *options, "-i", "/dev/null", f"root@{address}", "true")
    assert refused.exit_code == 255
    assert "Permission denied (publickey)" in refused.stderr
    assert lab.ssh.key_file.stat().st_mode & 0o077 == 0


def test_shell_runs_a_command_with_its_exit_code_and_refuses_unknown_hosts(loanstack) -> None:
    assert ok(loanstack("lab", "shell", "gw-b", "hostname")) == "gw-b"
    assert loanstack("lab", "shell", "gw-b", "exit 7").exit_code == 7
    unknown = loanstack("lab", "shell", "gw-x", "hostname")
    assert unknown.exit_code == 2
    assert "gw-a" in unknown.stderr


def test_up_on_a_running_lab_changes_no_host(lab: Environment, loanstack, on_every_host) -> None:
    before = on_every_host("cat /proc/sys/kernel/random/boot_id; stat -c %Y /run/systemd/system")
    assert loanstack("lab", "up").exit_code == 0
    assert on_every_host("cat /proc/sys/kernel/random/boot_id; stat -c %Y /run/systemd/system") == before
