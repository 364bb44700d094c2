"""What a room system may ask of the focus beside a call: rosters, keys, key pictures, changes, late offers."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from mixer.agent.info import FAST_UPDATE, MEDIA_CONTROL
from tests.mixer.agent.served import Served
from tests.mixer.agent.system import System

pytestmark = pytest.mark.system

SPACE = "{urn:ietf:params:xml:ns:conference-info}"


def test_a_participant_is_told_who_is_in_the_room(served: Served) -> None:
    with System(served.port) as one:
        answer = one.invite(served.uri("1000"))
        assert ";isfocus" in answer
        served.until(lambda: served.roster("1000").get("System"))
        answer = one.request("SUBSCRIBE", headers="Event: conference\r\nExpires: 600\r\n")
        assert answer.startswith("SIP/2.0 200")
        assert "Expires: 600" in answer
        told = one.next_request("NOTIFY")
        assert "Subscription-State: active" in told
        tree = ET.fromstring(told.partition("\r\n\r\n")[2])  # noqa: S314 - our own server
        assert [user.findtext(f"{SPACE}display-text") for user in tree.iter(f"{SPACE}user")] == ["System"]
        assert tree.findtext(f"{SPACE}conference-state/{SPACE}user-count") == "1"
        answer = one.request("SUBSCRIBE", headers="Event: conference\r\nExpires: 0\r\n")
        assert "terminated" in one.next_request("NOTIFY")


def test_a_subscription_of_its_own_is_for_participants_only(served: Served) -> None:
    with System(served.port) as one, System(served.port) as other, System(served.port, user="eve") as stranger:
        one.invite(served.uri("1000"))
        served.until(lambda: served.roster("1000").get("System"))
        answer = other.request("SUBSCRIBE", headers="Event: conference\r\n", uri=served.uri("1000"))
        assert answer.startswith("SIP/2.0 200")
        assert "<user " in other.next_request("NOTIFY")
        answer = stranger.request("SUBSCRIBE", headers="Event: conference\r\n", uri=served.uri("1000"))
        assert answer.startswith("SIP/2.0 403")
        answer = stranger.request("SUBSCRIBE", headers="Event: presence\r\n", uri=served.uri("1000"))
        assert answer.startswith("SIP/2.0 489")


def test_keys_pressed_by_info_open_the_door(served: Served) -> None:
    with System(served.port) as one:
        one.invite(served.uri("2000"))
        served.until(lambda: served.roster("2000").get("System"))
        for key in "1234#":
            answer = one.request("INFO", f"Signal={key}\r\nDuration=100\r\n", "", "application/dtmf-relay")
            assert answer.startswith("SIP/2.0 200")
        served.until(lambda: served.roster("2000")["System"].phase == "inside")
        assert served.roster("2000")["System"].role == "host"
        assert one.request("INFO", FAST_UPDATE.decode(), "", MEDIA_CONTROL).startswith("SIP/2.0 200")
        assert one.request("INFO", "what?", "", "text/plain").startswith("SIP/2.0 415")


def test_a_late_offer_is_answered_in_the_ack(served: Served) -> None:
    with System(served.port) as one:
        offer = one.invite(served.uri("1000"), body="", answer=True)
        assert len(re.findall("^m=", offer, re.MULTILINE)) == 4
        served.until(lambda: served.roster("1000").get("System"))


def test_a_session_changes_and_what_cannot_be_used_leaves_it_as_it_was(served: Served) -> None:
    with System(served.port) as one:
        one.invite(served.uri("1000"))
        served.until(lambda: served.roster("1000").get("System"))
        held = one.request("INVITE", one.offer().replace("m=video", "a=inactive\r\nm=video", 1))
        assert held.startswith("SIP/2.0 200")
        assert "a=inactive" in held
        one.send("ACK")
        refused = one.request(
            "INVITE", one.offer().replace("PCMA", "XYZ").replace("H264", "H263").replace(" 8\r", " 99\r")
        )
        assert refused.startswith("SIP/2.0 488")
        one.send("ACK")
        updated = one.request("UPDATE", one.offer())
        assert updated.startswith("SIP/2.0 200")
        assert "a=sendrecv" in updated


def test_what_is_no_room_or_no_session_is_refused(served: Served) -> None:
    with System(served.port) as one:
        answer = one.request("OPTIONS", uri=served.uri("1000"))
        assert "Allow-Events: conference" in answer
        assert one.request("INVITE", one.offer(), uri=served.uri("nowhere")).startswith("SIP/2.0 404")
        one.send("ACK")
        assert one.request("INVITE", "nonsense", uri=served.uri("1000")).startswith("SIP/2.0 400")
        one.send("ACK")
    served.until(lambda: served.status().calls == 0)
