"""Numbers that are dialled as tel URIs (RFC 3966): by the caller, by who refers, by who redirects, and who calls so."""

from __future__ import annotations

import pytest
from msgspec import structs

from b2bua import sip
from b2bua.call.plan import Plan
from tests.b2bua.call.test_calls import offer
from tests.b2bua.call.test_redirects import Redirected
from tests.b2bua.call.test_transfer import Party
from tests.b2bua.call.town import ALICE, BOB, EDGE, Town
from tests.b2bua.call.world import Rewritten
from vdx.dialplan import Dialling, DialRule

OWN = Dialling("edge1", ("health.example", "town.example"))
PLAN = (
    DialRule("s:1", "112", domain="town.example", to="two"),
    DialRule("s:2", "*", domain="+47*", to="one"),
    DialRule("s:3", "+47*", to="clinic"),
)


def dial(town: Town, called: str) -> sip.Leg:
    """Have Alice send what our own agents never write: a tel URI in each request line, and as her own address."""

    def spoken(data: bytes) -> bytes:
        said = data.replace(b"sip:nobody@198.18.0.10 SIP/2.0", f"{called} SIP/2.0".encode())
        return said.replace(f"<sip:alice@{ALICE}>;tag".encode(), b"<tel:+46-8-1>;tag")

    town.alice.core = Rewritten(town.alice.core, spoken)  # type: ignore[assignment]
    return town.dial("nobody")


@pytest.mark.parametrize(
    ("called", "whom"),
    [
        ("tel:+47-22(33)", f"INVITE sip:+472233@{BOB}:5060 SIP/2.0"),
        ("tel:112", "INVITE sip:112@10.0.0.12:5060 SIP/2.0"),
        ("tel:112;phone-context=Town.Example", "INVITE sip:112@10.0.0.12:5060 SIP/2.0"),
        ("tel:112;phone-context=+47", "INVITE sip:112@10.0.0.11:5060 SIP/2.0"),
    ],
)
def test_a_number_is_called_by_the_dial_plan(called: str, whom: str) -> None:
    town = Town(*PLAN, dial=OWN, peers={"hospital": {"domain": "town.example"}})
    dial(town, called)
    (name,) = town.invited()
    wire = [data for _, to, data in town.world.wire if to == town.agent(name).address]
    assert wire[0].startswith(whom.encode())
    assert b"tel:" not in wire[0]
    town.answer(name)
    assert town.alice.saw(sip.Answered)
    town.alice.last(sip.Answered).leg.bye(town.world.now)  # type: ignore[union-attr]
    town.idle()


@pytest.mark.parametrize(
    ("called", "status"),
    [
        ("tel:112;phone-context=health.example", 404),  # another one of ours: no rule takes it there
        ("tel:+45", 404),
        ("tel:112;phone-context=else.example", 404),
        ("tel:nobody", 400),
        ("urn:service:sos", 416),
    ],
)
def test_a_number_that_leads_nowhere(called: str, status: int) -> None:
    town = Town(*PLAN, dial=OWN, peers={"hospital": {"domain": "town.example"}})
    dial(town, called)
    assert town.failed().status == status
    town.idle()


def test_without_domains_a_number_is_anybody_s() -> None:
    town = Town(DialRule("s:1", "112", to="one"), dial=Dialling("edge1"))
    dial(town, "tel:112;phone-context=+47")
    assert town.invited() == ["one"]


def test_a_number_that_calls_is_shown() -> None:
    town = Town(DialRule("s:1", "*", to="one"))
    dial(town, "tel:112")
    assert sip.parse_name_addr(town.request("one").get("from")).uri == f"sip:+4681@{EDGE['core']}"
    town.reject("one", 486)
    (record,) = town.world.records
    assert record.details
    assert record.details.caller.alias == "+4681"


def test_a_number_is_taken_back() -> None:
    town = Town(DialRule("s:1", "*", to="one"))
    leg = dial(town, "tel:112")
    town.agent("one").leg.ring(town.world.now)  # type: ignore[union-attr]
    town.world.settle()
    leg.cancel(town.world.now)
    town.world.settle()
    assert town.agent("one").saw(sip.Cancelled)
    town.idle()


def test_a_number_in_a_refer() -> None:
    line = Party()
    rules = (DialRule("s:1", "+47*", to="practice"), *line.gateway.plan.signalling.dialplan)
    line.gateway.plan = Plan("v3", structs.replace(line.gateway.plan.signalling, dialplan=rules))
    line.up()
    assert line.refer(line.alice, "<tel:+47-1>").status == 202
    assert line.carol.leg
    assert sip.parse_uri(sip.parse_name_addr(line.carol.leg.dialog.local).uri).user == "+471"  # type: ignore[union-attr]


def test_a_number_in_a_redirection() -> None:
    line = Redirected()
    rules = (DialRule("s:1", "+47*", to="practice"), *line.gateway.plan.signalling.dialplan)
    line.gateway.plan = Plan("v3", structs.replace(line.gateway.plan.signalling, dialplan=rules))
    line.dial(offer(ALICE))
    line.redirect("<tel:+47-1>")
    assert line.carol.leg
