"""When a service is started, restarted, reloaded or left alone."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploys.facts.services import NO_SERVICE, Service, ServiceState
from deploys.operations import services
from tests.plan.kit import prepared

_WELL = ServiceState(
    is_loaded=True,
    is_active=True,
    is_enabled=True,
    needs_daemon_reload=False,
    started_ago_s=100,
    settled_ago_s=50,
    file_ages_s={"/unit": 500, "/config": 500},
)


def _commands(now: ServiceState) -> list[str]:
    with prepared("here", {Service: lambda unit, paths, starts: now}, {}):
        planned = services.commands_to_run(
            "x.service", restart_after=("/unit",), reload_after=("/config",), check="x --check"
        )
        return [str(command).split(";")[0] for command in planned]


@pytest.mark.parametrize(
    ("now", "wanted"),
    [
        (_WELL, []),
        (replace(_WELL, is_enabled=False), ["systemctl enable --quiet x.service"]),
        (replace(_WELL, is_active=False), ["x --check", "systemctl start x.service", "sleep 1"]),
        (replace(_WELL, file_ages_s={"/unit": 99}), ["x --check", "systemctl restart x.service", "sleep 1"]),
        (replace(_WELL, file_ages_s={"/config": 49}), ["x --check", "systemctl reload x.service"]),
        (replace(_WELL, file_ages_s={"/config": 75}), []),  # written after the start, before the last reload
        (
            replace(_WELL, needs_daemon_reload=True),
            ["systemctl daemon-reload", "x --check", "systemctl restart x.service", "sleep 1"],
        ),
        (
            NO_SERVICE,
            [
                "systemctl daemon-reload",
                "x --check",
                "systemctl enable --quiet x.service",
                "systemctl start x.service",
                "sleep 1",
            ],
        ),
    ],
)
def test_each_state_gets_what_it_needs(now: ServiceState, wanted: list[str]) -> None:
    assert _commands(now) == wanted


@given(
    started=st.floats(1, 1e6),
    settled_share=st.floats(0, 1),
    unit_age=st.floats(0, 2e6),
    config_age=st.floats(0, 2e6),
)
def test_a_service_never_keeps_running_with_files_it_has_not_read(
    started: float, settled_share: float, unit_age: float, config_age: float
) -> None:
    now = replace(
        _WELL,
        started_ago_s=started,
        settled_ago_s=started * settled_share,
        file_ages_s={"/unit": unit_age, "/config": config_age},
    )
    commands = _commands(now)
    if unit_age < started:
        assert "systemctl restart x.service" in commands
    elif config_age < started * settled_share:
        assert "systemctl reload x.service" in commands
    else:
        assert commands == []


@pytest.mark.parametrize(
    ("now", "wanted"),
    [
        (replace(_WELL, is_active=False), []),
        (replace(_WELL, needs_daemon_reload=True), ["systemctl daemon-reload"]),
        (NO_SERVICE, ["systemctl daemon-reload"]),
    ],
)
def test_systemd_is_told_of_a_unit_that_it_does_not_know_as_it_is(
    now: ServiceState, wanted: list[str]
) -> None:
    with prepared("here", {Service: lambda unit: now}, {}):
        planned = services.unit_loaded._inner(unit="x@1.service")  # type: ignore[attr-defined]
        assert [str(command) for command in planned] == wanted
