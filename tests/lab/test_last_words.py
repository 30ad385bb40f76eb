"""Why a service does not stay up is still told once systemd has started it again and again."""

from deploys.operations.journal import last_words
from tests.lab.conftest import Run

UNIT = "last-words.service"
REASON = "the reason of its own"
# A deploy's summary has room for three lines.
SHOWN = 3
RESTARTS = 8
FAIL_AGAIN_AND_AGAIN = f"""
restarts() {{ systemctl show --property=NRestarts --value {UNIT}; }}
clean_up() {{
    systemctl stop {UNIT}
    rm /run/systemd/system/{UNIT}
    systemctl daemon-reload
    systemctl reset-failed {UNIT} || true
}}
trap clean_up EXIT
cat > /run/systemd/system/{UNIT} <<'UNIT'
[Unit]
StartLimitIntervalSec=0
[Service]
ExecStart=/bin/sh -c 'echo {REASON} >&2; exit 1'
Restart=always
RestartSec=0.1
UNIT
systemctl daemon-reload
systemctl start {UNIT}
SECONDS=0
until [[ $(restarts) -ge {RESTARTS} ]]; do
    if ((SECONDS > 60)); then
        echo "it was started again $(restarts) times within $SECONDS s" >&2
        exit 1
    fi
    sleep 0.1
done
{last_words(UNIT)}
"""


def test_a_reason_is_not_hidden_by_the_next_start(on_host: Run) -> None:
    said = on_host("app-a", FAIL_AGAIN_AND_AGAIN)
    assert said.exit_code == 0, said.output
    assert any(REASON in line for line in said.stdout.splitlines()[-SHOWN:]), said.output
    assert "Failed with result" in said.stdout
    assert "Scheduled restart" not in said.stdout
