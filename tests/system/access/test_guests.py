"""Guests call over a secure WebSocket what their token names, and nothing else."""

from __future__ import annotations

import time

import pytest
from joserfc import jwt

from lab.site import ROOT_FILE
from lab.topology import ORIGIN, SIP_PORT, WEB_PORT
from tests.peers import sdp
from tests.peers.agent import Agent
from tests.peers.secure import Web
from tests.system.access.conftest import ISSUER, KEY
from tests.system.calls.edge import Edge
from vdx.versions import Acknowledged, Cut, Uncut

pytestmark = pytest.mark.system


def token(alias: str, **claims: object) -> str:
    said = {"iss": ISSUER, "aud": "lab", "sub": "anna", "exp": int(time.time()) + 600, "vdx_alias": alias, **claims}
    return jwt.encode({"alg": "ES256"}, said, KEY)


def test_a_guest_calls_once_what_the_token_names(edge: Edge) -> None:
    clinic, hospital = edge.host("clinic"), edge.host("hospital")
    offer = sdp.write(clinic.address(4), [sdp.audio(30000)])
    here = edge.address("internet")
    wire = Web(clinic, (here, WEB_PORT), edge.lab.state.keys / ROOT_FILE, ORIGIN)
    with (
        Agent(clinic, clinic.address(4), transport="wss", user="guest", ready=wire) as guest,
        Agent(hospital, hospital.address(4), SIP_PORT, edge.transport, "hospital") as callee,
    ):
        bare = guest.invite(f"sip:hospital@{here}", (here, WEB_PORT), body=offer)
        asked = guest.expect(401)
        guest.ack(bare, asked)
        assert f'Bearer realm="lab", authz_server="{ISSUER}"' in list(asked.all("WWW-Authenticate"))

        more = [("Authorization", f"Bearer {token('hospital', vdx_once=True, jti='one')}")]
        other = guest.invite(f"sip:municipality@{here}", (here, WEB_PORT), body=offer, more=more)
        guest.ack(other, guest.expect(403))

        call = guest.invite(f"sip:hospital@{here}", (here, WEB_PORT), body=offer, more=more)
        invite = callee.expect("INVITE")
        assert not list(invite.all("Authorization"))
        assert "sip:anna@" in invite["From"]  # as the token says, not as the guest does
        answer = callee.accept(invite)
        callee.reply(invite, 200, call=answer, body=sdp.write(hospital.address(4), [sdp.audio(31000)]))
        final = guest.expect(200)
        guest.ack(call, final)
        callee.expect("ACK")
        guest.bye(call)
        callee.reply(callee.expect("BYE"), 200)
        guest.expect(200)

        again = guest.invite(f"sip:hospital@{here}", (here, WEB_PORT), body=offer, more=more)
        refused = guest.expect(401)
        guest.ack(again, refused)
        assert any('error="invalid_token"' in value for value in refused.all("WWW-Authenticate"))
    edge.wait_idle()


def test_the_call_of_a_guest_ends_when_the_token_is_cut_off(edge: Edge) -> None:
    clinic, hospital = edge.host("clinic"), edge.host("hospital")
    offer = sdp.write(clinic.address(4), [sdp.audio(30000)])
    here = edge.address("internet")
    wire = Web(clinic, (here, WEB_PORT), edge.lab.state.keys / ROOT_FILE, ORIGIN)
    with (
        Agent(clinic, clinic.address(4), transport="wss", user="guest", ready=wire) as guest,
        Agent(hospital, hospital.address(4), SIP_PORT, edge.transport, "hospital") as callee,
    ):
        more = [("Authorization", f"Bearer {token('hospital', jti='two')}")]
        call = guest.invite(f"sip:hospital@{here}", (here, WEB_PORT), body=offer, more=more)
        invite = callee.expect("INVITE")
        answer = callee.accept(invite)
        callee.reply(invite, 200, call=answer, body=sdp.write(hospital.address(4), [sdp.audio(31000)]))
        guest.ack(call, guest.expect(200))
        callee.expect("ACK")

        assert isinstance(edge.ask(Cut(1, "token", "two", "shared")), Acknowledged)
        for agent in (guest, callee):
            agent.reply(agent.expect("BYE"), 200)
        again = guest.invite(f"sip:hospital@{here}", (here, WEB_PORT), body=offer, more=more)
        guest.ack(again, guest.expect(401))
        assert isinstance(edge.ask(Uncut(2, "token", "two")), Acknowledged)
    edge.wait_idle()
