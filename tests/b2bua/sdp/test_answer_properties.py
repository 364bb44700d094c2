"""What holds for every offer and its answer: the same lines in the same order, and no keys where none may be."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from b2bua.sdp import (
    Description,
    OurMedia,
    Profile,
    SdpError,
    Writer,
    address,
    check_answer,
    endpoints,
    parse,
    together,
)

OURS = address("203.0.113.10")
INLINE = "U0VDUkVU"
KEYS = {
    "none": (),
    "sdes": (f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{INLINE}",),
    "dtls": ("a=fingerprint:sha-1 " + ":".join(["AB"] * 20), "a=setup:actpass", "a=tls-id:x"),
}
PROTOS = {
    "audio": ("RTP/AVP", "RTP/AVPF", "RTP/SAVP", "RTP/SAVPF", "UDP/TLS/RTP/SAVPF"),
    "video": ("RTP/AVP", "RTP/SAVP", "UDP/TLS/RTP/SAVP"),
    "application": ("UDP/BFCP", "TCP/BFCP", "TCP/TLS/BFCP", "RTP/AVP", "UDP/UDT/IX"),
}


@dataclass(frozen=True)
class Line:
    """One m-line of either side."""

    kind: str
    proto: str
    port: int
    keys: str
    more: tuple[str, ...]

    def write(self, mid: int) -> list[str]:
        formats = "96" if "RTP" in self.proto else "*"
        head = f"m={self.kind} {self.port} {self.proto} {formats}"
        return [head, f"a=mid:{mid}", *KEYS[self.keys], *self.more]


_more = st.lists(
    st.sampled_from(["a=rtcp-mux", "a=sendonly", "a=recvonly", "a=bundle-only", "a=setup:active", "b=TIAS:900000"]),
    max_size=3,
    unique=True,
).map(tuple)
_keys = st.sampled_from(sorted(KEYS))
_ports = st.sampled_from([0, 9, 5000, 5002])


@st.composite
def _line(draw: st.DrawFn) -> Line:
    kind = draw(st.sampled_from(sorted(PROTOS)))
    return Line(kind, draw(st.sampled_from(PROTOS[kind])), draw(_ports), draw(_keys), draw(_more))


@st.composite
def _exchange(draw: st.DrawFn) -> tuple[Description, Description]:
    """Make an offer and an answer that may be one to it, or nearly."""
    offered = draw(st.lists(_line(), min_size=1, max_size=5))
    answered = [
        Line(
            line.kind,
            draw(st.sampled_from([line.proto, line.proto, *PROTOS[line.kind]])),
            draw(_ports),
            draw(_keys),
            draw(_more),
        )
        for line in offered
    ]
    bundled = st.sampled_from(["", "a=group:BUNDLE 0 1", "a=group:BUNDLE 0 1 2 3", "a=group:BUNDLE 1 0 7"])
    return _describe(offered, draw(bundled)), _describe(answered, draw(bundled))


def _describe(lines: list[Line], group: str) -> Description:
    rows = ["v=0", "c=IN IP4 192.0.2.1", *([group] if group else [])]
    for index, line in enumerate(lines):
        rows += line.write(index)
    return parse("\n".join(rows).encode())


_profiles = st.builds(
    Profile,
    sdes=st.booleans(),
    dtls=st.booleans(),
    required=st.booleans(),
    bandwidth=st.none() | st.integers(64, 10_000),
)


def _ours(description: Description) -> list[OurMedia | None]:
    return [OurMedia(OURS, 30000 + 2 * index) for index in range(len(description.media))]


def _answer(offer: Description, answer: Description, profile: Profile) -> str | None:
    try:
        return Writer(1, OURS).write(answer, _ours(offer), answer_to=offer, profile=profile).decode()
    except SdpError:
        return None


@given(_exchange(), _profiles)
def test_a_written_answer_has_the_lines_of_its_offer(
    exchange: tuple[Description, Description], profile: Profile
) -> None:
    offer, answer = exchange
    text = _answer(offer, answer, profile)
    if text is None:
        return
    written = parse(text.encode())
    check_answer(offer, written)
    assert [(media.kind, media.proto) for media in written.media] == [(m.kind, m.proto) for m in offer.media]
    for asked, said, stream in zip(offer.media, written.media, endpoints(offer, profile), strict=True):
        assert not said.port or stream.active or stream.bundle_only
        assert asked.port or not said.port or "a=bundle-only" in asked.lines
    kept = {index for index, media in enumerate(written.media) if media.port}
    meant = {line: first for line, first in together(offer, answer).items() if {line, first} <= kept}
    assert together(offer, written) == meant


@given(_exchange(), _profiles)
def test_no_key_is_where_none_may_be(exchange: tuple[Description, Description], profile: Profile) -> None:
    offer, answer = exchange
    texts = [_answer(offer, answer, profile)]
    with suppress(SdpError):
        texts.append(Writer(1, OURS).write(offer, _ours(offer), profile=profile).decode())
    for text in texts:
        if text is None:
            continue
        if not profile.sdes:
            assert INLINE not in text
        if not profile.dtls:
            assert "fingerprint" not in text
    if texts[0] is not None:
        for asked, said in zip(offer.media, parse(texts[0].encode()).media, strict=True):
            for name in ("crypto", "fingerprint"):
                if any(line.startswith(f"a={name}") for line in said.lines):
                    assert any(line.startswith(f"a={name}") for line in asked.lines)


@given(_exchange(), _profiles)
def test_what_must_be_encrypted_is(exchange: tuple[Description, Description], profile: Profile) -> None:
    offer, _ = exchange
    if not profile.required:
        return
    try:
        written = parse(Writer(1, OURS).write(offer, _ours(offer), profile=profile))
    except SdpError:
        return
    for media in written.media:
        if media.port and "RTP" in media.proto:
            assert "SAVP" in media.proto
            assert any(line.startswith(("a=crypto", "a=fingerprint")) for line in media.lines)
