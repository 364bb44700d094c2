"""What `route explain` says, and that a call does just that."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from b2bua import sip
from b2bua.locate import Destination, NotFoundError
from tests.b2bua.call.town import ALICE, BOB, EDGE, Town
from vdx.admission import Ceiling
from vdx.dialplan import Alternative, DialRule, RuleTime
from vdx.explain import ExplainStep

NIGHT = RuleTime("UTC", hours=((22 * 60, 6 * 60),))
RULES = [
    DialRule("site.yaml:1", "*", to="room"),
    DialRule("site.yaml:2", "9{n:digits}", rewrite="{n}"),
    DialRule("site.yaml:3", "x*", refuse=410),
    DialRule("site.yaml:4", "b*", among=(Alternative("two"), Alternative("one"))),
    DialRule("site.yaml:5", "b*", among=(Alternative("one", 1), Alternative("two", 3))),
    DialRule("site.yaml:6", "*", domain="*", to="dns", via="world"),
    DialRule("site.yaml:7", "*", to="named"),
    DialRule("site.yaml:8", "*", when=NIGHT, to="one"),
    DialRule("site.yaml:9", "*", to="clinic"),
    DialRule("site.yaml:10", "*", peer="clinic", to="two"),
    DialRule("site.yaml:11", "{a}.{b}", rewrite="{b}@else.example"),
]
NAMES = {
    "else.example": (Destination("udp", "198.51.100.77", 5060), Destination("udp", BOB, 5060)),
    "sip.clinic.example": (Destination("udp", BOB, 5060),),
}


def told(town: Town, source: str, dialled: str, at: float | None = None) -> tuple[list[ExplainStep], int, list[str]]:
    """Give the steps, the status and the places."""
    explanation = town.gateway.explain(source, dialled, at)
    missing = NotFoundError("no such name")
    found = {host: town.world.names.get(host.host, missing) for host in explanation.queries}
    steps, places = explanation.finish(found, town.world.now)
    return list(steps), explanation.status, list(places)


def text(steps: list[ExplainStep]) -> str:
    return "\n".join(f"{step.step}: {step.text}" for step in steps)


@pytest.mark.parametrize(
    ("dialled", "status", "said"),
    [
        ("tel:+47-22", 0, "dialled: '+4722' at our address"),
        ("TEL:22;phone-context=health.example", 0, "dialled: '22' in health.example, which is ours"),
        ("tel:22;phone-context=+47", 404, "dialled: '22' in +47, which is not ours"),
        ("tel:nobody", 400, "dialled: 'tel:nobody' is no telephone number"),
        ("mailto:a@b c", 400, "dialled: "),
    ],
)
def test_a_number_is_explained_as_it_is_called(dialled: str, status: int, said: str) -> None:
    steps, refused, _ = told(Town(RULES[8]), "hospital", dialled)
    assert refused == status
    assert said in text(steps)


def test_every_step_is_told() -> None:
    town = Town(RULES[1], DialRule("site.yaml:3", "1*", zone="internet", to="one"), RULES[0], RULES[8])
    steps, status, places = told(town, "hospital", "9123@health.example")
    assert text(steps).splitlines() == [
        "identify: hospital is a peer in sdn",
        "dialled: '9123' in health.example, which is ours",
        "rule: site.yaml:2 matches 9123@health.example",
        "rewrite: it is read as 123@health.example from here on",
        "rule: site.yaml:3 does not match: it is for callers in internet",
        "rule: site.yaml:1 matches 123@health.example",
        "room: no room is called '123': the next rule decides",
        "rule: site.yaml:9 matches 123@health.example",
        "route: site.yaml:9 leads to clinic as '123'",
        f"place: sip:123@{BOB}:5060 over udp as clinic in internet: tried in this order",
        "encryption: clinic: media is encrypted where both sides can",
        "limits: clinic: there is room",
        f"outcome: the call goes to sip:123@{BOB}:5060 over udp",
    ]
    assert (status, places) == (0, [f"sip:123@{BOB}:5060 over udp"])


@pytest.mark.parametrize(
    ("source", "status", "says"),
    [
        (ALICE, 0, f"sdn, source: its address {ALICE} is in a prefix of peer hospital"),
        (f"sdn:{ALICE}", 0, "is in a prefix of peer hospital"),
        (f"internet:{ALICE}", 403, "is nobody we know"),
        ("192.0.2.1", 403, "is nobody we know"),
        ("nobody", 403, "is no peer and no address"),
    ],
)
def test_who_calls(source: str, status: int, says: str) -> None:
    steps, found, _ = told(Town(RULES[8]), source, "a")
    assert found == status
    assert says in text(steps)


@pytest.mark.parametrize(
    ("dialled", "says"),
    [
        ("a", "'a' at our address"),
        ("a**1234", "'a' at our address, with a PIN"),
        ("sip:a@health.example", "'a' in health.example, which is ours"),
        ("sips:a@health.example", "over TLS only"),
        ("a@else.example", "'a' in else.example, which is not ours"),
        (EDGE["sdn"], "'nobody' at our address"),
        ("sip:a b", "dialled: "),
    ],
)
def test_what_is_dialled_is_read_as_people_write_it(dialled: str, says: str) -> None:
    steps, _, _ = told(Town(RULES[8]), "hospital", dialled)
    assert says in text(steps)
    assert "1234" not in text(steps)


def test_another_time_of_day() -> None:
    town = Town(RULES[7], RULES[8])
    noon, midnight = 1_800_014_400.0, 1_799_971_200.0 + 86_400
    assert told(town, "hospital", "a", noon)[2] == [f"sip:a@{BOB}:5060 over udp"]
    assert told(town, "hospital", "a", midnight)[2][0].startswith("sip:a@10.0.0.11")


@pytest.mark.parametrize(("rule", "said"), [(RULES[3], False), (RULES[4], True)])
def test_chance_is_told(rule: DialRule, said: bool) -> None:
    steps, _, _ = told(Town(rule), "hospital", "b")
    assert ("weights: drawn by chance" in text(steps)) is said


def test_limits_and_drain_are_told() -> None:
    town = Town(RULES[8], peers={"clinic": {"limits": Ceiling(1)}})
    town.dial("a")
    steps, status, places = told(town, "hospital", "a")
    assert (status, places) == (480, [])
    assert "peer clinic: 1 calls are up, 1 are allowed; try again in 10 s" in text(steps)
    town.gateway.drain.begin(None, town.world.now)
    assert told(town, "hospital", "a")[1] == 503


def test_a_dead_place_is_told() -> None:
    town = Town(RULES[3])
    town.dial("b")
    town.reject("two", 503)
    steps, _, places = told(town, "hospital", "b")
    assert "as two in core: tried last, it is down or failed a moment ago" in text(steps)
    assert [place.split()[0] for place in places] == ["sip:b@10.0.0.11:5060", "sip:b@10.0.0.12:5060"]


def test_nothing_is_counted() -> None:
    town = Town(RULES[5])
    town.world.names |= NAMES
    before = (dict(town.gateway.counts), town.gateway.sizes)
    told(town, "hospital", "a@else.example")
    assert (dict(town.gateway.counts), town.gateway.sizes) == before


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.sampled_from(RULES), max_size=6),
    st.sampled_from(["ward", "b1", "912", "x1", "a.b", "a-10.0.0.1", "ward**1", "", "%00"]),
    st.sampled_from(["health.example", "else.example", EDGE["sdn"], "10.9.9.9"]),
    st.sampled_from(["sip", "sips"]),
)
def test_a_call_does_what_explain_says(rules: list[DialRule], user: str, host: str, scheme: str) -> None:
    town = Town(*rules)
    town.world.names |= NAMES
    dialled = f"{scheme}:{user}@{host}" if user else f"{scheme}:{host}"
    _, status, places = told(town, "hospital", dialled)
    town.dial(user, host, scheme=scheme)
    invites = [(to, data) for _, to, data in town.world.wire if data.startswith(b"INVITE") and to[0] != EDGE["sdn"]]
    if status:
        assert not invites
        assert town.failed().status == status
    else:
        to, data = invites[0]
        request = sip.parse(data)
        assert isinstance(request, sip.Request)
        first = places[0].partition(" ")[0]
        aim = sip.parse_uri(first)
        assert (aim.host, aim.port) == to
        assert sip.parse_uri(request.uri).user == aim.user
