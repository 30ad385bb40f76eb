"""A service that was broken into attacks root on its host, with links in its folders and text for numbers."""

from collections.abc import Iterator

import pytest

from deploys.tongweb.spec import FOLDER, RUN_DIR, UNIT
from inventory.model import Environment
from tests.lab.conftest import Run

HOST = "app-a"
VICTIM, INJECTED = "/root/victim", "/root/injected"
_EXPRESSION = f"a[$(touch {INJECTED})0]"
"""In an arithmetic expression of a shell, it would run the command."""
_LINKED = (
    "bin/external.vmoptions.loanstack-new",
    "conf/tongweb.xml.loanstack-new",
    "conf/.loanstack-made-of",
    "autodeploy/portal.war.loanstack-new",
    "lib/.x.loanstack-new",
)
_AS_SERVICE = "setpriv --reuid tongweb --regid tongweb --clear-groups sh -c"
_ATTACK = f"""
for name in {" ".join(_LINKED)}; do ln -sfn {VICTIM} {FOLDER}/current/$name; done
ln -sfn {VICTIM} {RUN_DIR}/cli-password
ln -sfn {VICTIM} {RUN_DIR}/out-of-rotation/starting
printf %s '{_EXPRESSION}' > {RUN_DIR}/log-began
rm -f {FOLDER}/current/autodeploy/portal.war && ln -s {VICTIM} {FOLDER}/current/autodeploy/portal.war
"""
_CONFIGURATION_ATTACK = f"ln -sfn {VICTIM} {FOLDER}/current/conf/tongweb.xml"
_FOLDER_ATTACK = f"rm -rf {RUN_DIR}/out-of-rotation && ln -s /root {RUN_DIR}/out-of-rotation"
_MEND = (
    f"find {FOLDER}/ {RUN_DIR} -type l -lname '/root*' -delete; rm -f {RUN_DIR}/log-began; "
    f"loanstack-tongweb configure && loanstack-tongweb install-war && systemctl restart {UNIT}"
)
_LOOK = (
    f"stat -c '%U:%G %a' {VICTIM}; cat {VICTIM}; ls -A /root | grep -E 'injected|starting|stopping|upgrade'"
)


@pytest.fixture
def victim(deployed: Environment, on_host: Run) -> Iterator[None]:
    """A file of root's that the service wants overwritten or handed over."""
    made = on_host(HOST, f"echo root-alone > {VICTIM}; chmod 600 {VICTIM}; rm -f {INJECTED}")
    assert made.exit_code == 0, made.output
    yield
    mended = on_host(HOST, f"rm -f {VICTIM} {INJECTED}; {_MEND}")
    assert mended.exit_code == 0, mended.output


def _is_unharmed(on_host: Run) -> None:
    assert on_host(HOST, _LOOK).stdout == "root:root 600\nroot-alone\n"


def test_links_and_text_of_a_service_hurt_nothing_of_root(
    victim: None, deployed: Environment, on_host: Run, loanstack: Run
) -> None:
    attack = on_host(HOST, f'{_AS_SERVICE} "$(cat)"', stdin=_ATTACK)
    assert attack.exit_code == 0, attack.output
    # What root does there: at each restart, at each deploy, and when an operator asks.
    for command in (
        f"systemctl restart {UNIT}",
        "loanstack-tongweb why",
        "loanstack-tongweb secure --check",
        "loanstack-rotation tongweb status",
    ):
        on_host(HOST, command)
        _is_unharmed(on_host)
    # Without its configuration the server does not start, so this link comes after the restart.
    attack = on_host(HOST, f"{_AS_SERVICE} '{_CONFIGURATION_ATTACK}'")
    assert attack.exit_code == 0, attack.output
    again = loanstack("deploy", "lab", "--only", "tongweb")
    _is_unharmed(on_host)
    assert again.exit_code == 0, again.output
    left = on_host(
        HOST, f"find {FOLDER}/current/conf/tongweb.xml {FOLDER}/current/autodeploy/portal.war -type l"
    )
    assert left.stdout == "", "what the server reads is its own again"


def test_a_folder_that_became_a_link_gets_no_file_of_root(victim: None, on_host: Run) -> None:
    attack = on_host(HOST, f"{_AS_SERVICE} '{_FOLDER_ATTACK}'")
    assert attack.exit_code == 0, attack.output
    refused = on_host(HOST, "loanstack-rotation tongweb out upgrade")
    assert refused.exit_code == 1
    assert "allowed: a folder" in refused.stderr
    _is_unharmed(on_host)
