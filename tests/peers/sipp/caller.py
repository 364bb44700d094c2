"""What a sipp caller says: the steps of its calls (RFC 3261 section 13; RFC 3264 for the re-INVITEs)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from tests.peers.sipp.steps import Expect, Pause, Send, Step

T1 = 500  # RFC 3261 section 17.1.1.1
Ending = Literal["bye", "wait"]

_HEAD = """{start} SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch={branch}
Max-Forwards: 70
From: <sip:[caller]@[local_ip]:[local_port]>;tag=[pid]c[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>{to_tag}
Call-ID: [call_id]
CSeq: {cseq}
{more}Content-Length: [len]

{body}"""

_CONTACT = "Contact: <sip:[caller]@[local_ip]:[local_port];transport=[transport]>\n"
_SDP = "Content-Type: application/sdp\n"

_OK = """SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
{more}Content-Length: [len]

{body}"""

_URI = "sip:[service]@[remote_ip]:[remote_port]"


def invite(sdp: str = "") -> Send:
    """Send the first INVITE; without SDP it asks for an offer."""
    return _request(f"INVITE {_URI}", "1 INVITE", to_tag="", body=sdp, contact=True, retransmit=T1)


def ringing(*, early: bool = False) -> list[Step]:
    """Expect provisional answers; with early media, a 183 must come."""
    first: list[Step] = [Expect(100, optional=True), Expect(180, optional=True)]
    return [*first, Expect(183, routes=True)] if early else [*first, Expect(183, optional=True)]


def answered(ack_sdp: str = "") -> list[Step]:
    """Expect the 200 and acknowledge it."""
    return [Expect(200, routes=True), _request("ACK [next_url]", "1 ACK", body=ack_sdp)]


def refused(status: int) -> list[Step]:
    """Expect a failure and acknowledge it in its own transaction."""
    return [Expect(status), _head_of_last_via(f"ACK {_URI}", "1 ACK", "[peer_tag_param]")]


def cancel() -> list[Step]:
    """Give up while it rings: CANCEL, its 200, the INVITE's 487, ACK (RFC 3261 section 9.1)."""
    return [
        Expect(100, optional=True),
        Expect(180),
        _head_of_last_via(f"CANCEL {_URI}", "1 CANCEL", "", retransmit=T1),
        Expect(200),
        *refused(487),
    ]


def reinvite(sdp: str, cseq: int) -> list[Step]:
    """Change the session."""
    return [
        _request("INVITE [next_url]", f"{cseq} INVITE", body=sdp, contact=True, retransmit=T1),
        Expect(100, optional=True),
        Expect(200, routes=True),
        _request("ACK [next_url]", f"{cseq} ACK"),
    ]


def reinvited(sdp: str) -> list[Step]:
    """Let the other side change the session."""
    return [Expect("INVITE"), Send(_OK.format(more=_CONTACT + _SDP, body=sdp), T1), Expect("ACK")]


def end(ending: Ending, cseq: int) -> list[Step]:
    """Hang up, or wait until the other side does."""
    if ending == "wait":
        return [Expect("BYE"), Send(_OK.format(more="", body=""))]
    return [_request("BYE [next_url]", f"{cseq} BYE", retransmit=T1), Expect(200)]


def call(
    sdp: str,
    *,
    early: bool = False,
    reinvites: Sequence[str] = (),
    changes: Sequence[str] = (),
    hold_ms: int = 200,
    ending: Ending = "bye",
    late: bool = False,
) -> list[Step]:
    """Call, change the session, let it be changed, talk for `hold_ms`, end.

    `reinvites` are this side's new offers, `changes` its answers to the callee's. With `late` the first SDP goes in
    the ACK, as an answer.
    """
    steps: list[Step] = [invite("" if late else sdp), *ringing(early=early), *answered(sdp if late else "")]
    for number, change in enumerate(reinvites, start=2):
        steps += [Pause(hold_ms), *reinvite(change, number)]
    for change in changes:
        steps += reinvited(change)
    if ending == "wait":
        return [*steps, *end(ending, 0)]
    return [*steps, Pause(hold_ms), *end(ending, len(reinvites) + 2)]


def _request(
    start: str,
    cseq: str,
    *,
    to_tag: str = "[peer_tag_param]",
    body: str = "",
    contact: bool = False,
    retransmit: int = 0,
) -> Send:
    more = ("" if start.startswith(f"INVITE {_URI}") else "[routes]\n") + (_CONTACT if contact else "")
    more += _SDP if body else ""
    text = _HEAD.format(start=start, branch="[branch]", to_tag=to_tag, cseq=cseq, more=more, body=body)
    return Send(text, retransmit)


def _head_of_last_via(start: str, cseq: str, to_tag: str, *, retransmit: int = 0) -> Send:
    """Make a request in the transaction of the INVITE: its Via came back in the last answer."""
    text = _HEAD.format(start=start, branch="", to_tag=to_tag, cseq=cseq, more="", body="")
    lines = ["[last_Via:]" if line.startswith("Via:") else line for line in text.split("\n")]
    return Send("\n".join(lines), retransmit)
