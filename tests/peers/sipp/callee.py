"""What a sipp callee says: the steps of the calls that come to it (RFC 3261 section 13.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from tests.peers.sipp.steps import Expect, Pause, Send, Step

T1 = 500  # RFC 3261 section 17.1.1.1
Ending = Literal["bye", "wait"]

_CONTACT = "Contact: <sip:[callee]@[local_ip]:[local_port];transport=[transport]>\n"
_SDP = "Content-Type: application/sdp\n"
_KEPT = (
    ("from", "From", ".*"),
    ("to", "To", ".*"),
    ("target", "Contact", "sip:[^>]*"),
    ("cseq", "CSeq", "[0-9]+"),
)

_ANSWER = """SIP/2.0 {status} {reason}
[last_Via:]
[last_Record-Route:]
From:[$from]
To:[$to];tag=[pid]d[call_number]
[last_Call-ID:]
CSeq: [$cseq] INVITE
{more}Content-Length: [len]

{body}"""

_IN_DIALOG = """SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
{more}Content-Length: [len]

{body}"""

_REQUEST = """{method} [$target] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
From:[$to];tag=[pid]d[call_number]
To:[$from]
Call-ID: [call_id]
CSeq: {cseq} {method}
{more}Content-Length: [len]

{body}"""


def invited() -> Expect:
    """Take the INVITE."""
    return Expect("INVITE", keep=_KEPT)


def answer(status: int, sdp: str = "", *, retransmit: int = 0) -> Send:
    """Answer the INVITE."""
    more = (_CONTACT if 100 < status < 300 else "") + (_SDP if sdp else "")
    reason = "OK" if status < 300 else "No"
    return Send(_ANSWER.format(status=status, reason=reason, more=more, body=sdp), retransmit)


def refuse(status: int) -> list[Step]:
    """Refuse the call."""
    return [invited(), answer(100), answer(status, retransmit=T1), Expect("ACK")]


def cancelled() -> list[Step]:
    """Ring until the caller gives up (RFC 3261 section 9.2)."""
    return [
        invited(),
        answer(180),
        Expect("CANCEL"),
        Send(_IN_DIALOG.format(more="", body="")),
        answer(487, retransmit=T1),
        Expect("ACK"),
    ]


def reinvited(sdp: str) -> list[Step]:
    """Let the other side change the session."""
    return [Expect("INVITE"), Send(_IN_DIALOG.format(more=_CONTACT + _SDP, body=sdp), T1), Expect("ACK")]


def reinvite(sdp: str, cseq: int) -> list[Step]:
    """Change the session."""
    offer = _REQUEST.format(method="INVITE", cseq=cseq, more=_CONTACT + _SDP, body=sdp)
    ack = _REQUEST.format(method="ACK", cseq=cseq, more="", body="")
    return [Send(offer, T1), Expect(100, optional=True), Expect(200), Send(ack)]


def end(ending: Ending, cseq: int) -> list[Step]:
    """Hang up, or wait until the other side does."""
    if ending == "wait":
        return [Expect("BYE"), Send(_IN_DIALOG.format(more="", body=""))]
    return [Send(_REQUEST.format(method="BYE", cseq=cseq, more="", body=""), T1), Expect(200)]


def call(
    sdp: str,
    *,
    early: str = "",
    changes: Sequence[str] = (),
    reinvites: Sequence[str] = (),
    ring_ms: int = 50,
    hold_ms: int = 200,
    ending: Ending = "wait",
) -> list[Step]:
    """Take a call and ring (with `early` media, if given), answer, let it be changed, change it, end it.

    `changes` are this side's answers to the caller's re-INVITEs, `reinvites` its own.
    """
    ring = answer(183, early) if early else answer(180)
    steps: list[Step] = [invited(), answer(100), ring, Pause(ring_ms), answer(200, sdp, retransmit=T1), Expect("ACK")]
    for change in changes:
        steps += reinvited(change)
    for number, change in enumerate(reinvites, start=1):
        steps += [Pause(hold_ms), *reinvite(change, number)]
    if ending == "bye":
        steps.append(Pause(hold_ms))
    return [*steps, *end(ending, len(reinvites) + 1)]
