"""Sentences of gatewayd are said in Danish on the page: what is really written is known, and nothing is lost in it."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayd.config import gate, journal
from gatewayd.notice import Notice
from gatewayd.web.page.sentences import DANISH, MAX_SENTENCE, saying, told
from nft.policy.agreement import Agreements
from nft.policy.compile import compile_policy
from nft.policy.diff import diff
from nft.policy.lint import lint
from nft.policy.model import Rule
from tests.gatewayd.web.world import World
from tests.nft.policy.world import DAY, NOW, POLICY, agreement, at, client, network
from vdx.versions import Frozen


def part_names(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


@pytest.mark.parametrize("english", DANISH)
def test_no_part_of_a_sentence_is_lost(english: str) -> None:
    assert part_names(english) == part_names(DANISH[english])
    values = dict.fromkeys(part_names(english), "7")
    assert told(english.format(**values)) is not None


def policies() -> tuple[Any, Any]:
    known = POLICY.agreements
    new = replace(
        known,
        clients=(client("ward-7", "10.1.7.0/25", "2001:db8:a:7::/64", line=14), known.clients[1]),
        agreements=(
            known.agreements[0],
            replace(known.agreements[1], ends=NOW + 9 * DAY),
            agreement("a-9", "clinic", "vdx-lab", NOW, NOW + DAY, 20),
            replace(agreement("a-8", "clinic", "vdx-sip", NOW, NOW + DAY, 21), approved=False),
            agreement("a-7", "clinic", "vdx-sip", NOW - 9 * DAY, NOW - DAY, 22),
        ),
    )
    rules = (
        Rule("sdn", "core", "deny", at(30), ("quarantine",)),
        replace(POLICY.rules[1], rate=9, services=()),
        Rule("sdn", "core", "allow", at(31), ("wards",), ("web",), ("https",)),
        Rule("sdn", "core", "deny", at(32), ("wards",), ("web",), ("https",)),
        Rule("sdn", "core", "allow", at(33), ("clinic",)),
    )
    networks = (
        POLICY.networks[0],
        network("quarantine", "sdn", "10.1.7.64/26", line=3),
        *POLICY.networks[2:],
        network("clinic", "sdn", "10.2.0.0/16"),
    )
    return POLICY, replace(POLICY, agreements=new, rules=rules, networks=networks, tests=())


def test_differences_and_doubts_are_said_in_danish() -> None:
    old, new = policies()
    changes = [each.text for pair in ((old, new), (new, old)) for each in diff(*pair)]
    doubts = [str(each) for each in lint(compile_policy(new), NOW)]
    assert len({each.split()[0] for each in changes}) > 3
    assert len({each.code for each in lint(compile_policy(new), NOW)}) > 7
    assert [each for each in (*changes, *doubts) if told(each) is None] == []
    assert not [each for each in map(told, doubts) if each and re.search(r"\b(agreement|rule|days|decide)", each)]


def test_alarms_and_what_holds_a_change_up_are_said_in_danish() -> None:
    soon = [agreement(f"a-{n}", "ward-7", "vdx-sip", NOW - DAY, NOW + n * DAY) for n in (1, 3)]
    alarms: dict[str, str] = {}
    for known in (soon[:1], soon):
        agreements: Agreements = replace(POLICY.agreements, agreements=tuple(known))
        version: Any = SimpleNamespace(transit=SimpleNamespace(policy=SimpleNamespace(agreements=agreements)))
        asyncio.run(Notice(lambda version=version: version, alarms, lambda: NOW).look())  # type: ignore[misc]
        assert "aftaler udl\u00f8ber inden for 14 dage" in (told(alarms["agreements"]) or "")
    damage = [journal.chain(b"{}\n"), journal.chain(b"nothing\n")]
    frozen = [Frozen("anna", "exam (autumn)", NOW, until) for until in (None, NOW + 60)]
    holds = [each.text for one in frozen for each in gate.freezes(one, NOW)]
    assert [each for each in (*damage, *holds) if told(each) is None] == []


def test_an_alarm_is_danish_on_the_page_and_what_is_not_known_is_marked(edge: World) -> None:
    edge.bench.keeper.alarms["due"] = "candidate 0f of anna was not applied at its time: a <b> that nobody knows"
    edge.bench.keeper.alarms["odd"] = "<i>odd</i>"
    edge.log_in("anna")
    page = edge.client.get("/", headers={"accept-language": "da"}).text
    assert "<li>kandidat 0f fra anna blev ikke taget i brug til tiden: a &lt;b&gt; that nobody knows</li>" in page
    assert '<li><span lang="en">&lt;i&gt;odd&lt;/i&gt;</span></li>' in page
    assert "was not applied at its time" in edge.client.get("/", headers={"accept-language": "en"}).text


@given(st.text(max_size=400))
def test_any_text_comes_out_as_it_is_or_in_danish(text: str) -> None:
    assert told(text) is None or told(text) != ""
    assert "<script" not in saying("da")(f"<script{text}")


def test_a_sentence_made_to_be_slow_is_not() -> None:
    assert told("changes are frozen by " + "a ((" * (MAX_SENTENCE // 5)) is None
    assert told("x" * (MAX_SENTENCE + 1)) is None


@pytest.mark.parametrize(
    ("english", "danish"),
    [
        ("(deny at s:9, now allow at s:10)", "(afvist i s:9, nu tilladt i s:10)"),
        ("(allow at s:9, now left to agreements)", "(tilladt i s:9, nu overladt til aftaler)"),
        ("(left to agreements, now deny at s:9)", "(overladt til aftaler, nu afvist i s:9)"),
        ("(deny at s:9, no longer logged)", "(afvist i s:9, ikke længere logget)"),
        ("(allow at s:9, now logged, rate 50, now 10)", "(tilladt i s:9, nu logget, rate 50, nu 10)"),
        (
            "(allow at s:9, rate as usual, now 10, connections 5, now as usual)",
            "(tilladt i s:9, rate som ellers, nu 10, forbindelser 5, nu som ellers)",
        ),
    ],
)
def test_why_a_path_changes_is_said_in_danish(english: str, danish: str) -> None:
    assert (
        told(f"10.1.0.0/16 to 10.2.0.0/16, any traffic {english}") == f"10.1.0.0/16 til 10.2.0.0/16, al trafik {danish}"
    )
