"""No interleaving of commits, looks and role changes acknowledges a write that the next primary lacks."""

from collections import Counter
from dataclasses import dataclass
from random import Random

import pytest

from app_stub.durability import Decided, Durability, Look, Verdict

TIMEOUT_S = 2.0
WORD_S = 2.5
"""For how long, from when it was asked for, the word that the primary is alone counts."""
WORD_OVER_S = 3.0
"""How long after it was last said the agents count on its being over."""


@dataclass(kw_only=True)
class Write:
    """A commit on a primary, as an entry of its log."""

    entry: tuple[int, int]
    heard_s: float = 0.0
    until_s: float = 0.0


@dataclass(kw_only=True)
class Asked:
    """A look on its way: the primary reads its position later, and its answer arrives later still."""

    look: Look
    primary: int | None = None


class Pair:
    """A primary and a standby with their logs, a service in front of them, and messages that are slow.

    Entries of a log are (position, history): a promotion begins another history on top of what the standby
    has, at a position that no log has reached yet.
    """

    def __init__(self, random: Random) -> None:
        self.random = random
        self.durability: Durability[Write] = Durability(timeout_s=TIMEOUT_S)
        self.durability.move(1)
        self.now_s = self.said_alone_s = 100.0
        self.history = 1
        self.primary_log = [(10, 1)]
        self.standby_log = [(10, 1)]
        self.primary_lives = self.standby_lives = True
        self.is_promoted = False
        self.is_alone = False
        """As the agents have agreed: nobody is promoted that may lack something."""
        self.words: list[tuple[int, float]] = []
        """On their way: in which history the primary was said to be alone, and until when that counts."""
        self.acknowledged: list[tuple[int, int]] = []
        self.answered: list[Write] = []
        self.standby_said: int | None = None
        self.asked: Asked | None = None
        self.verdicts: Counter[Verdict] = Counter()

    def commit(self) -> None:
        if self.primary_lives and not self.is_promoted:
            entry = (self.primary_log[-1][0] + self.random.randint(1, 5), self.history)
            self.primary_log.append(entry)
            self.answered.append(Write(entry=entry))

    def hear_of_a_commit(self) -> None:
        if self.answered:
            write = self.answered.pop(0)
            write.heard_s = self.now_s
            write.until_s = self.now_s + self.random.choice((0.3, 4.5))
            # The terms of the service are numbered as the histories are.
            verdict = self.durability.wait(
                write, term=write.entry[1], now_s=self.now_s, until_s=write.until_s
            )
            if verdict is not None:
                self._check([(write, verdict)])

    def pull(self) -> None:
        if self.standby_lives and self.primary_lives and not self.is_promoted:
            have = len(self.standby_log)
            self.standby_log += self.primary_log[have : have + self.random.randint(1, 5)]

    def ask_the_standby(self) -> None:
        self.standby_said = self.standby_log[-1][0] if self.standby_lives else None

    def begin_a_look(self) -> None:
        if self.asked is None:
            self.asked = Asked(look=self.durability.look(self.standby_said))

    def primary_reads_its_position(self) -> None:
        if self.asked is not None and self.asked.primary is None:
            if self.primary_lives:
                self.asked.primary = self.primary_log[-1][0]
            else:
                self.asked = None

    def the_answer_arrives(self) -> None:
        if self.asked is not None and self.asked.primary is not None:
            asked, self.asked = self.asked, None
            assert asked.primary is not None
            if self.random.random() < 0.8:
                self._check(self.durability.seen(asked.look, asked.primary))

    def the_primary_dies(self) -> None:
        self.primary_lives = False

    def failover(self) -> None:
        """Fenced first; or frozen, so that it answers again later, and takes no write of this service."""
        if not self.is_promoted and self.standby_lives and not self.is_alone:
            self.primary_lives = False
            self._promote(self.standby_log)

    def an_old_primary_thaws(self) -> None:
        if self.is_promoted:
            self.primary_lives = True

    def switchover(self) -> None:
        """Handed over: the old one takes no more and still answers, the standby has all of it."""
        if not self.is_promoted and self.standby_lives and self.primary_lives:
            self._promote(list(self.primary_log))

    def the_agent_says_that_it_is_alone(self) -> None:
        if not self.is_promoted and self.primary_lives and (self.is_alone or not self.standby_lives):
            self.is_alone, self.said_alone_s = True, self.now_s
            self.words.append((self.history, self.now_s + WORD_S))

    def a_word_arrives(self) -> None:
        if self.words:
            history, until_s = self.words.pop(self.random.randrange(len(self.words)))
            # The watch of the primary drops what was said in an earlier epoch.
            if history == self.history:
                self._check(self.durability.allow(until_s, self.now_s))

    def the_agent_finds_it_followed_again(self) -> None:
        has_all = set(self.primary_log) <= set(self.standby_log)
        if self.standby_lives and has_all and self.now_s >= self.said_alone_s + WORD_OVER_S:
            self.is_alone = False

    def _promote(self, log: list[tuple[int, int]]) -> None:
        assert set(self.acknowledged) <= set(log), "acknowledged, and the next primary lacks it"
        self.is_promoted = True
        furthest = max(self.primary_log[-1][0], log[-1][0])
        self.standby_log = [*log, (furthest + self.random.randint(1, 50), self.history + 1)]

    def the_services_learn_of_it(self) -> None:
        """The promoted one leads; the old one comes back as its standby, or does not."""
        if self.is_promoted:
            self.history += 1
            self.primary_log = self.standby_log
            self.standby_log = self.primary_log[:-1]
            self.primary_lives, self.is_promoted, self.is_alone = True, False, False
            self.standby_lives = self.random.random() < 0.5
            self._check(self.durability.move(self.history))

    def the_standby_goes(self) -> None:
        if not self.is_promoted:
            self.standby_lives = False

    def a_standby_comes(self) -> None:
        """The same with what it has, or another one with a copy."""
        if not self.standby_lives:
            self.standby_lives = True
            if self.random.random() < 0.5:
                self.standby_log = list(self.primary_log)

    def time_passes(self) -> None:
        for _ in range(self.random.choice((1, 4, 24))):
            self.now_s += 0.25
            self._check(self.durability.tick(self.now_s))

    def _check(self, decided: Decided[Write]) -> None:
        for write, verdict in decided:
            self.verdicts[verdict] += 1
            if verdict is Verdict.CONFIRMED:
                self.acknowledged.append(write.entry)
                assert write.entry in self.standby_log, "acknowledged, and the next primary lacks it"
            elif verdict is Verdict.LATE:
                assert self.now_s >= min(write.heard_s + TIMEOUT_S, write.until_s)
            elif verdict is Verdict.ALONE:
                self.acknowledged.append(write.entry)
                assert self.is_alone
                assert write.entry in self.primary_log
            else:
                assert write.entry[1] < self.history


OFTEN = (
    Pair.commit, Pair.hear_of_a_commit, Pair.pull, Pair.ask_the_standby, Pair.begin_a_look,
    Pair.primary_reads_its_position, Pair.the_answer_arrives, Pair.a_word_arrives,
)  # fmt: skip
SELDOM = (
    Pair.the_primary_dies, Pair.failover, Pair.an_old_primary_thaws, Pair.switchover,
    Pair.the_services_learn_of_it, Pair.the_standby_goes, Pair.a_standby_comes, Pair.time_passes,
    Pair.the_agent_says_that_it_is_alone, Pair.the_agent_finds_it_followed_again,
)  # fmt: skip
SCHEDULES = 5000
STEPS = 300


def test_no_schedule_acknowledges_what_the_next_primary_lacks() -> None:
    """Thousands of random schedules, the same ones in each run."""
    verdicts: Counter[Verdict] = Counter()
    for seed in range(SCHEDULES):
        pair = Pair(Random(seed))
        for _ in range(STEPS):
            act = pair.random.choice(OFTEN if pair.random.random() < 0.96 else SELDOM)
            act(pair)
        verdicts += pair.verdicts
    assert min(verdicts[verdict] for verdict in Verdict) > SCHEDULES // 10, verdicts


def _durability() -> Durability[str]:
    durability: Durability[str] = Durability(timeout_s=TIMEOUT_S)
    durability.move(1)
    return durability


def _wait(durability: Durability[str], name: str, now_s: float = 0.0) -> Verdict | None:
    return durability.wait(name, term=1, now_s=now_s, until_s=100.0)


def test_one_look_confirms_all_that_waited_before_it() -> None:
    durability = _durability()
    assert [_wait(durability, name) for name in "ab"] == [None, None]
    look = durability.look(standby=40)
    assert _wait(durability, "c") is None
    # The standby has not got there yet; for c not even the position is known.
    assert durability.seen(look, primary=50) == []
    assert durability.seen(durability.look(standby=50), primary=60) == [
        ("a", Verdict.CONFIRMED),
        ("b", Verdict.CONFIRMED),
    ]
    assert durability.seen(durability.look(standby=60), primary=60) == [("c", Verdict.CONFIRMED)]
    assert durability.is_settled


def test_a_lost_answer_is_made_good_by_the_next_one() -> None:
    durability = _durability()
    _wait(durability, "a")
    durability.look(standby=10)
    assert durability.seen(durability.look(standby=30), primary=30) == [("a", Verdict.CONFIRMED)]


def test_a_position_that_the_primary_has_not_reached_is_of_another_history() -> None:
    durability = _durability()
    _wait(durability, "a")
    durability.seen(durability.look(standby=10), primary=30)
    assert durability.seen(durability.look(standby=12_000), primary=30) == []
    assert durability.seen(durability.look(standby=12_000), primary=13_000) == [("a", Verdict.CONFIRMED)]


def test_another_term_ends_all_waiting_and_answers_of_the_last_one_count_no_more() -> None:
    durability = _durability()
    _wait(durability, "a")
    look = durability.look(standby=30)
    assert durability.move(2) == [("a", Verdict.MOVED)]
    assert durability.move(2) == []
    assert durability.wait("b", term=1, now_s=0.0, until_s=9.0) is Verdict.MOVED
    assert durability.wait("c", term=2, now_s=0.0, until_s=9.0) is None
    assert durability.seen(look, primary=30) == []


def test_who_waits_in_vain_is_late() -> None:
    durability = _durability()
    _wait(durability, "a")
    durability.wait("b", term=1, now_s=0.0, until_s=0.5)
    assert durability.tick(0.4) == []
    assert durability.tick(0.5) == [("b", Verdict.LATE)]
    assert durability.tick(1.9) == []
    assert durability.tick(2.0) == [("a", Verdict.LATE)]
    assert durability.is_settled


def test_as_long_as_the_primary_may_be_alone_nobody_waits() -> None:
    durability = _durability()
    _wait(durability, "a")
    assert durability.allow(2.5, now_s=0.1) == [("a", Verdict.ALONE)]
    assert durability.is_alone(2.4)
    assert _wait(durability, "b", now_s=2.4) is Verdict.ALONE
    assert not durability.is_alone(2.5)
    assert _wait(durability, "c", now_s=2.5) is None
    assert durability.allow(5.0, now_s=2.6) == [("c", Verdict.ALONE)]
    # It is followed again.
    assert durability.allow(float("-inf"), now_s=2.7) == []
    assert _wait(durability, "d", now_s=2.7) is None


def test_a_word_that_comes_too_late_allows_nothing() -> None:
    durability = _durability()
    _wait(durability, "a")
    assert durability.allow(2.5, now_s=2.5) == []
    assert not durability.is_settled


def test_another_primary_is_not_alone_before_that_is_said_of_it() -> None:
    durability = _durability()
    durability.allow(2.5, now_s=0.0)
    durability.move(2)
    assert durability.wait("a", term=2, now_s=0.1, until_s=9.0) is None


@pytest.mark.parametrize("pause_s", [10.0, 3600.0])
def test_a_process_that_stood_still_confirms_nothing(pause_s: float) -> None:
    durability = _durability()
    _wait(durability, "a")
    assert durability.tick(pause_s) == [("a", Verdict.LATE)]
