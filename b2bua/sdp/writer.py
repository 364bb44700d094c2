"""The description of the other leg, written line by line from the one that was received.

Theory of operation. A `Writer` belongs to one leg and writes all that this leg is sent. `endpoints` of the received
description (and, for an answer, of the offer that the leg itself made) says which m-lines live; each gets our address
and port, the rest get port 0 and keep their place. Codec attributes pass by the tables of `attributes.py`; direction,
a=rtcp, c= and the session part are written anew. The version in o= counts up exactly when something else changed, so a
session refresh with an unchanged body is recognised as one (RFC 3264 section 8).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from b2bua.sdp.attributes import names_address, passing_attributes
from b2bua.sdp.bandwidth import passing_bandwidth, session_bandwidth
from b2bua.sdp.bundle import answered, offered_on
from b2bua.sdp.description import ENCODING, Description, Media, attribute_values
from b2bua.sdp.direction import answerable
from b2bua.sdp.endpoint import Keying, MediaEndpoint, Transport, endpoints
from b2bua.sdp.grammar import Address, write_connection
from b2bua.sdp.limits import MAX_SESSION_ID, REMEMBERED
from b2bua.sdp.offer_answer import binding, check_answer
from b2bua.sdp.profile import DEFAULT, Profile

_MUX = frozenset({"rtcp-mux", "rtcp-mux-only"})
_GROUP = frozenset({"group"})
_NOTHING: frozenset[str] = frozenset()
_KEYS = frozenset({"crypto", "fingerprint", "tls-id"})
_DISCARD = 9  # port of a side that only connects and never listens (RFC 4145 section 4.1)


@dataclass(frozen=True, slots=True)
class OurMedia:
    """What one m-line advertises for us: an address and port of the leg's zone.

    `rtcp_port` is written as a=rtcp where it is not the port after; None where RTCP has no port of its own.
    """

    address: Address
    port: int
    rtcp_port: int | None = None


class Writer:
    """Writes the descriptions that one leg is sent, as one session with one origin (RFC 8866 section 5.2).

    `session_id` is a random number below 2**63 that says nothing about us; `address` is ours in the zone of the leg.
    """

    __slots__ = ("_address", "_last", "_session_id", "_version")

    def __init__(self, session_id: int, address: Address) -> None:
        if not 0 <= session_id <= MAX_SESSION_ID:
            raise ValueError(f"session id {session_id} does not fit 63 bits")
        self._session_id = session_id
        self._address = address
        self._version = 0
        self._last: int | None = None

    def write(
        self,
        received: Description,
        ours: Sequence[OurMedia | None],
        *,
        answer_to: Description | None = None,
        profile: Profile = DEFAULT,
    ) -> bytes:
        """Write for this leg what the other leg's description says.

        `ours` has one entry for each m-line, None to refuse it. `answer_to` is the offer that this leg made, None where
        an offer is written. Raises AnswerMismatchError and what `endpoints` raises; ValueError where `ours` does not
        fit.
        """
        if answer_to is not None:
            check_answer(answer_to, received)  # before `ours`, which a caller makes from the offer
        if len(ours) != len(received.media):
            raise ValueError(f"{len(received.media)} m-lines and {len(ours)} media of ours")
        offered: Sequence[MediaEndpoint | None] = (
            (None,) * len(ours) if answer_to is None else endpoints(answer_to, profile)
        )
        streams = endpoints(received, profile)
        used = [
            our if our and stream.active and (offer is None or offer.active or offer.bundle_only) else None
            for our, stream, offer in zip(ours, streams, offered, strict=True)
        ]
        group = {index for index, our in enumerate(used) if our}
        if answer_to is None:
            group |= {stream.index for stream in streams if stream.bundle_only}
        main = next((our.address for our in used if our), self._address)
        tcp = any(our and stream.transport is Transport.BFCP_TCP for our, stream in zip(used, streams, strict=True))
        rows = _session(received, main, answer_to, profile, tcp=tcp)
        rows += offered_on(received, group) if answer_to is None else answered(answer_to, received, group)
        asked = (answer_to or received).media  # an answer's proto is the offer's (RFC 3264 section 6)
        for media, said, stream, our, offer in zip(received.media, asked, streams, used, offered, strict=True):
            if our is None and stream.bundle_only and offer is None:
                nowhere = OurMedia(main, 0)
                proto = binding(said.proto, stream.keying) if profile.required else said.proto
                rows.append(_head(stream, proto, nowhere, media.formats))
                rows.extend((*_stream(media, stream, nowhere, None, main, profile, _NOTHING), "a=bundle-only"))
            elif our is None:
                rows.extend(_refused(media, said.proto))
            else:
                proto = binding(said.proto, stream.keying) if offer is None and profile.required else said.proto
                rows.append(_head(stream, proto, our, media.formats))
                unasked = _NOTHING
                if answer_to is not None and stream.keying is not Keying.NONE:
                    unasked = _unasked(answer_to, said)
                rows.extend(_stream(media, stream, our, offer, main, profile, unasked))
        return self._originated(rows)

    def refuse(self, offer: Description) -> bytes:
        """Write an answer that refuses every stream of the leg's own offer (RFC 3264 section 6)."""
        rows = [f"c={write_connection(self._address)}", "t=0 0"]
        for media in offer.media:
            rows.extend(_refused(media, media.proto))
        return self._originated(rows)

    def _originated(self, rows: list[str]) -> bytes:
        """Put v=, o= and s= before the rest; a rest that differs from the last one is a new version."""
        rest = "\r\n".join(rows)
        if hash(rest) != self._last:  # not the text itself: thousands of held calls would keep a kilobyte each
            self._last = hash(rest)
            self._version += 1
        head = f"v=0\r\no=- {self._session_id} {self._version} {write_connection(self._address)}\r\ns=-\r\n"
        return f"{head}{rest}\r\n".encode(*ENCODING)


def _session(
    received: Description, address: Address, answer_to: Description | None, profile: Profile, *, tcp: bool
) -> list[str]:
    grouped = answer_to is None or "group" in attribute_values(answer_to.lines)
    return [
        f"c={write_connection(address)}",
        *session_bandwidth(received.lines, profile.bandwidth),
        "t=0 0",
        *passing_attributes(received.lines, profile, tcp=tcp, withhold=_NOTHING if grouped else _GROUP),
    ]


def _head(stream: MediaEndpoint, proto: str, our: OurMedia, formats: tuple[str, ...]) -> str:
    """Write the m-line itself: payload types for RTP, the asterisk of RFC 8856 section 4 for BFCP."""
    if stream.transport is Transport.RTP:
        return f"m={stream.kind} {our.port} {proto} {' '.join(formats)}"
    connects = stream.transport is Transport.BFCP_TCP and stream.setup == "active"
    return f"m={stream.kind} {_DISCARD if connects else our.port} {proto} *"


def _unasked(offer: Description, asked: Media) -> frozenset[str]:
    """Give the names of keys that an answer may not bring, as its offer had none of that kind."""
    names = {*attribute_values(asked.lines), *attribute_values(offer.lines)}
    return _KEYS - names if "fingerprint" not in names else _KEYS - names - {"tls-id"}  # RFC 8842 section 5.3


def _stream(
    media: Media,
    stream: MediaEndpoint,
    our: OurMedia,
    offer: MediaEndpoint | None,
    main: Address,
    profile: Profile,
    unasked: frozenset[str],
) -> list[str]:
    """Write what stands below a living m-line: ours in every address, theirs in every codec."""
    rows = [] if our.address == main else [f"c={write_connection(our.address)}"]
    mux = stream.mux and (offer is None or offer.mux)
    tcp = stream.transport is Transport.BFCP_TCP
    withhold = unasked if mux else unasked | _MUX
    rows += (_common_passing if media.common else _passing)(media.lines, profile, tcp, withhold)
    if stream.transport is Transport.RTP:
        agreed = mux and offer is not None
        if our.rtcp_port is not None and our.rtcp_port != our.port + 1 and not agreed:
            rows.append(f"a=rtcp:{our.rtcp_port}")
        rows.append(f"a={stream.direction if offer is None else answerable(offer.direction, stream.direction)}")
    return rows


def _passing(lines: tuple[str, ...], profile: Profile, tcp: bool, withhold: frozenset[str]) -> tuple[str, ...]:
    attributes = passing_attributes(lines, profile, tcp=tcp, withhold=withhold)
    return (*passing_bandwidth(lines, profile.bandwidth), *attributes)


_common_passing = lru_cache(maxsize=REMEMBERED)(_passing)


def _refused(media: Media, proto: str) -> list[str]:
    """Keep the place of a refused m-line: its formats mean nothing any more, but one must stand there."""
    formats = " ".join(media.formats)
    rows = [f"m={media.kind} 0 {proto} {'0' if names_address(formats) else formats}"]
    rows += (line for line in media.lines if line.startswith("a=mid:") and not names_address(line))
    return rows
