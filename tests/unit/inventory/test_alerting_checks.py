"""What an inventory may say about the way of alerts."""

from dataclasses import replace

import pytest

from inventory import environment
from inventory.alerting_checks import alerting_problems
from inventory.model import Environment, Role

LAB = environment("lab")


def with_alerting(**changes: object) -> Environment:
    return replace(LAB, alerting=replace(LAB.alerting, **changes))  # type: ignore[arg-type] # wrong on purpose


def with_alertmanagers_on(*names: str) -> Environment:
    def roles(name: str, given: tuple[Role, ...]) -> tuple[Role, ...]:
        others = tuple(role for role in given if role is not Role.ALERTMANAGER)
        return (*others, Role.ALERTMANAGER) if name in names else others

    return replace(LAB, hosts=tuple(replace(h, roles=roles(h.name, h.roles)) for h in LAB.hosts))


@pytest.mark.parametrize("name", ["lab", "qinghai"])
def test_the_shipped_environments_are_sound(name: str) -> None:
    assert list(alerting_problems(environment(name))) == []


@pytest.mark.parametrize("names", [(), ("mon-c",), ("app-b", "gw-b")])
def test_alerts_outlive_the_loss_of_a_centre(names: tuple[str, ...]) -> None:
    (problem,) = alerting_problems(with_alertmanagers_on(*names))
    assert problem.field == "hosts with role alertmanager"
    assert "in different centres" in problem.allowed


@pytest.mark.parametrize(
    "url",
    [
        "",
        "duty",
        "ftp://duty/x",
        "http://",
        "http://user:word@duty/",
        "http://duty:0/",
        "http://duty:x/",
        "http://duty/ x",
        "http://duty/#x",
        "http://du\nty/",
        "file:///etc/shadow",
    ],
)
def test_a_receiver_is_a_plain_web_address(url: str) -> None:
    (problem,) = alerting_problems(with_alerting(webhook_url=url))
    assert (problem.where, problem.field, problem.value) == ("lab", "alerting.webhook_url", url)


def test_no_receiver_is_allowed_and_times_are_bounded() -> None:
    assert list(alerting_problems(with_alerting(webhook_url=None))) == []
    wrong = with_alerting(warning_wait_s=0, group_interval_s=-1, repeat_interval_s=86_401)
    assert [problem.field for problem in alerting_problems(wrong)] == [
        "alerting.warning_wait_s",
        "alerting.group_interval_s",
        "alerting.repeat_interval_s",
    ]
