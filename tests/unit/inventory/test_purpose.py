"""Production refuses what is invented and what breaks things; a rehearsal wants its name; a lab nothing."""

from dataclasses import replace

import pytest

from inventory import environment, validation
from inventory.model import Environment
from inventory.purpose import (
    ALLOWED,
    CONSENT_VARIABLE,
    Action,
    ConsentNeededError,
    NotAllowedError,
    Purpose,
    require,
)

BREAKS = [Action.LOAD, Action.SEED, Action.DRILL, Action.COMPARE]
QINGHAI, LAB = environment("qinghai"), environment("lab")
REHEARSAL = replace(QINGHAI, purpose=Purpose.REHEARSAL)


def test_an_environment_that_does_not_say_what_it_is_for_is_production() -> None:
    field = Environment.__dataclass_fields__["purpose"]
    assert field.default is Purpose.PRODUCTION
    assert QINGHAI.purpose is Purpose.PRODUCTION


@pytest.mark.parametrize("action", BREAKS)
def test_production_refuses_and_says_why_and_what_to_change(
    action: Action, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CONSENT_VARIABLE, "qinghai")
    with pytest.raises(NotAllowedError) as refused:
        QINGHAI.require_allowed(Action.UPGRADE, action)
    assert str(refused.value).startswith(f"environment qinghai is for production, and allows no {action}: ")
    assert "nothing was contacted" in str(refused.value)
    assert "Of what an inventory may refuse it allows: upgrade." in str(refused.value)
    assert "purpose=Purpose.REHEARSAL" in str(refused.value)


def test_production_may_be_upgraded_and_a_lab_anything() -> None:
    QINGHAI.require_allowed(Action.UPGRADE)
    LAB.require_allowed(*Action)


@pytest.mark.parametrize("action", BREAKS)
@pytest.mark.parametrize("consent", [None, "", "lab", "Qinghai"])
def test_a_rehearsal_wants_its_own_name(action: Action, consent: str | None) -> None:
    with pytest.raises(ConsentNeededError, match=f"--yes qinghai, or {CONSENT_VARIABLE}=qinghai"):
        require("qinghai", Purpose.REHEARSAL, ALLOWED[Purpose.REHEARSAL], [action], consent=consent)
    require("qinghai", Purpose.REHEARSAL, ALLOWED[Purpose.REHEARSAL], [action], consent="qinghai")


def test_a_rehearsal_is_upgraded_and_left_alone_without_being_named() -> None:
    REHEARSAL.require_allowed()
    REHEARSAL.require_allowed(Action.UPGRADE)


def test_what_an_inventory_takes_back_is_refused_by_its_file() -> None:
    narrowed = replace(REHEARSAL, allows=frozenset({Action.LOAD}))
    with pytest.raises(NotAllowedError, match=r"does not allow drill.*`allows` in inventory/qinghai\.py"):
        narrowed.require_allowed(Action.LOAD, Action.DRILL)


def test_an_inventory_cannot_give_leave_that_its_purpose_does_not() -> None:
    (problem,) = validation.find_problems(replace(QINGHAI, allows=frozenset({Action.DRILL, Action.UPGRADE})))
    assert (problem.field, problem.value) == ("allows", "drill")
    assert problem.allowed == "upgrade, in an environment for production"


def test_real_hosts_are_no_lab() -> None:
    (problem,) = validation.find_problems(replace(QINGHAI, purpose=Purpose.LAB))
    assert (problem.field, problem.value) == ("purpose", "lab")
    assert problem.allowed.startswith("rehearsal or production")
