"""Sources that are no peer: what lets them fall, what lifts them, and who is banned."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b2bua.call import reputation as module
from b2bua.call.reputation import (
    ANSWERS_AT_ONCE,
    ANSWERS_PER_SECOND,
    DENIED_SECONDS,
    HALF_LIFE,
    LIMIT,
    MAX_BAN_SECONDS,
    OFFENCES,
    TRANSITIONS,
    TRUSTED_SECONDS,
    Ban,
    Offence,
    Reputation,
    is_scanner,
)

NET, HOST = "internet", "198.51.100.66"


def offend(known: Reputation, offence: Offence, now: float = 0.0, host: str = HOST, times: int = 1) -> list[Ban]:
    bans = [known.offend(NET, host, offence, now, proven=True, connected=True) for _ in range(times)]
    return [ban for ban in bans if ban]


def test_five_wrong_passwords_over_a_connection_are_a_ban() -> None:
    known = Reputation(60)
    assert offend(known, "credentials", times=4) == []
    assert known.standing(NET, HOST, 0.0) == "untrusted"
    (ban,) = offend(known, "credentials")
    assert ban == Ban(HOST, 60, "gave a wrong user or password, once too often")
    assert known.standing(NET, HOST, 0.0) == "denied"
    assert known.standing("sdn", HOST, 0.0) == "untrusted"


def test_guesses_add_up_although_some_time_passes_between_them() -> None:
    known = Reputation()
    bans = [ban for number in range(5) for ban in offend(known, "credentials", now=3.0 * number)]
    assert len(bans) == 1


def test_a_scanner_is_banned_at_once() -> None:
    assert len(offend(Reputation(), "scanner")) == 1


def test_what_fades_is_forgiven() -> None:
    known = Reputation()
    for minute in range(120):
        assert offend(known, "credentials", now=60.0 * minute) == []
    assert known.standing(NET, HOST, 7200.0) == "untrusted"


def test_a_forged_source_makes_nobody_denied() -> None:
    known = Reputation()
    for _ in range(100):
        assert known.offend(NET, HOST, "scanner", 0.0, proven=False, connected=False) is None
    assert known.standing(NET, HOST, 0.0) == "untrusted"
    assert len(known) == 0


def test_a_proven_source_without_a_connection_is_denied_but_never_banned() -> None:
    known = Reputation()
    for _ in range(100):
        assert known.offend(NET, HOST, "credentials", 0.0, proven=True, connected=False) is None
    assert known.standing(NET, HOST, 0.0) == "denied"


def test_trust_is_lost_before_a_ban_comes() -> None:
    known = Reputation()
    known.prove(NET, HOST, 0.0)
    assert known.standing(NET, HOST, TRUSTED_SECONDS - 1) == "trusted"
    known.prove(NET, HOST, 0.0)
    assert offend(known, "credentials", times=5) == []
    assert known.standing(NET, HOST, 0.0) == "untrusted"
    assert len(offend(known, "credentials", times=5)) == 1


def test_a_right_password_between_guesses_does_not_wash_them_away() -> None:
    known = Reputation()
    bans: list[Ban] = []
    for _ in range(20):
        bans += offend(known, "credentials", times=4)
        known.prove(NET, HOST, 0.0)
    assert known.standing(NET, HOST, 0.0) != "denied" or bans
    assert offend(known, "credentials", times=10) or bans


def test_classes_lapse() -> None:
    known = Reputation()
    known.prove(NET, HOST, 0.0)
    assert known.standing(NET, HOST, TRUSTED_SECONDS) == "untrusted"
    offend(known, "scanner", now=TRUSTED_SECONDS)
    assert known.standing(NET, HOST, TRUSTED_SECONDS + DENIED_SECONDS - 1) == "denied"
    assert known.standing(NET, HOST, TRUSTED_SECONDS + DENIED_SECONDS) == "untrusted"


def test_a_denied_source_is_not_lifted_by_proof() -> None:
    known = Reputation()
    offend(known, "scanner")
    known.prove(NET, HOST, 1.0)
    assert known.standing(NET, HOST, 1.0) == "denied"


def test_who_comes_back_is_banned_for_longer_up_to_the_longest() -> None:
    known = Reputation(3600)
    seconds = []
    for again in range(12):
        seconds += [ban.seconds for ban in offend(known, "scanner", now=again * (DENIED_SECONDS + HALF_LIFE))]
    assert seconds[:3] == [3600, 7200, 14_400]
    assert seconds[-1] == MAX_BAN_SECONDS


def test_no_ban_where_the_site_wants_none() -> None:
    known = Reputation(0)
    assert offend(known, "scanner", times=5) == []
    assert known.standing(NET, HOST, 0.0) == "denied"


def test_answers_to_a_source_are_bounded_and_come_back() -> None:
    known = Reputation()
    given_ = [known.may_answer(NET, HOST, 0.0) for _ in range(int(ANSWERS_AT_ONCE) + 5)]
    assert given_.count(True) == ANSWERS_AT_ONCE
    assert not known.may_answer(NET, HOST, 0.5 / ANSWERS_PER_SECOND)
    assert known.may_answer(NET, HOST, 2.0)
    assert known.may_answer(NET, "198.51.100.67", 0.0)


def test_an_ipv6_host_is_its_64() -> None:
    known = Reputation()
    offend(known, "scanner", host="2001:db8:0:1::1")
    assert known.standing(NET, "2001:db8:0:1:ffff::2", 0.0) == "denied"
    assert known.standing(NET, "2001:db8:0:2::1", 0.0) == "untrusted"


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_SOURCES", 3)
    known = Reputation()
    for number in range(10):
        known.prove(NET, f"198.51.100.{number}", 0.0)
    assert len(known) == 3
    assert known.standing(NET, "198.51.100.9", 0.0) == "trusted"
    assert known.standing(NET, "198.51.100.0", 0.0) == "untrusted"


@given(st.lists(st.tuples(st.sampled_from([*OFFENCES, "prove", "look"]), st.floats(0, 1000)), max_size=60))
def test_any_history_keeps_to_the_table(history: list[tuple[str, float]]) -> None:
    known = Reputation()
    now, standing = 0.0, "untrusted"
    for what, passed in history:
        now += passed
        before = known.standing(NET, HOST, now)
        assert before == standing or (standing, "lapse") in TRANSITIONS
        if what == "prove":
            known.prove(NET, HOST, now)
        elif what in OFFENCES:
            ban = known.offend(NET, HOST, what, now, proven=True, connected=True)
            assert ban is None or known.standing(NET, HOST, now) == "denied"
        standing = known.standing(NET, HOST, now)
        assert standing == before or standing in {TRANSITIONS.get((before, step)) for step in ("proof", "limit")}


def test_every_offence_counts_and_none_alone_but_a_scanner_bans() -> None:
    assert {name for name, weight in OFFENCES.items() if weight.points >= LIMIT} == {"scanner"}
    assert all(weight.points > 0 for weight in OFFENCES.values())


@pytest.mark.parametrize(
    ("agent", "scanner"),
    [
        ("friendly-scanner", True),
        ("SIPVicious/0.3", True),
        ("sipcli/v1.8", True),
        ("VaxSIPUserAgent/3.1", True),
        ("TANDBERG/529 (ce9.15.3) Cisco-CodecPro", False),
        ("PolycomRealPresenceGroup500/6.2", False),
        ("baresip v1.0.0 (x86_64/linux)", False),
        ("JsSIP 3.13.8", False),
        ("", False),
        ("x" * 300 + "sipvicious", False),
    ],
)
def test_scanners_by_what_they_call_themselves(agent: str, scanner: bool) -> None:
    assert is_scanner(agent) is scanner
