"""Which attributes pass to the other leg: an allow-list, since the next standard may put an address anywhere.

How to read: a name in PASSING passes as it is. A name in WITHHELD never does, whatever a profile names: it carries
addresses or keys, or the writer states it anew. Names in DTLS, TCP and SDES pass by policy. Any other name passes only
where the profile names it. Whatever passes is searched for addresses in its value, and left out where one is found.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from b2bua.sdp.grammar import ADDRESS_LIKE, FINGERPRINT
from b2bua.sdp.profile import Profile

PASSING = frozenset(
    {
        # codecs and their packets
        "rtpmap",  # RFC 8866
        "fmtp",  # RFC 8866
        "ptime",  # RFC 8866
        "maxptime",  # RFC 8866
        "framerate",  # RFC 8866
        "quality",  # RFC 8866
        "framesize",  # RFC 6064
        "maxprate",  # RFC 3890: without it, b=TIAS cannot be turned into octets on the wire
        "imageattr",  # RFC 6236
        "rtcp-fb",  # RFC 4585
        "rtcp-rsize",  # RFC 5506
        "rtcp-xr",  # RFC 3611
        "extmap",  # RFC 8285, by URI: see `passing_attributes`
        "extmap-allow-mixed",  # RFC 8285
        "rid",  # RFC 8851
        "simulcast",  # RFC 8853
        "depend",  # RFC 5583
        "ssrc",  # RFC 5576, by source attribute: see `passing_attributes`
        "ssrc-group",  # RFC 5576
        "silenceSupp",  # RFC 3108
        # what a stream is for
        "content",  # RFC 4796
        "label",  # RFC 4574
        "mid",  # RFC 5888
        "group",  # RFC 5888, by semantics: see `passing_attributes`
        "msid",  # RFC 8830
        "lang",  # RFC 8866
        "hlang-send",  # RFC 8373: sign language is chosen by it
        "hlang-recv",  # RFC 8373
        # floor control
        "floorctrl",  # RFC 8856
        "confid",  # RFC 8856
        "userid",  # RFC 8856
        "floorid",  # RFC 8856
        "bfcpver",  # RFC 8856
        # agreed end to end
        "rtcp-mux",  # RFC 5761, by offer: see `passing_attributes`
        "rtcp-mux-only",  # RFC 8858, as rtcp-mux
    }
)

DTLS = frozenset({"fingerprint", "setup", "connection", "tls-id"})  # RFC 5763, RFC 8842
TCP = frozenset({"setup", "connection"})  # RFC 4145: who connects stays true on both sides of a relay
SDES = frozenset({"crypto"})  # RFC 4568

WITHHELD = frozenset(
    {
        "sendrecv", "sendonly", "recvonly", "inactive",  # written by the writer
        "rtcp",  # written by the writer
        "candidate", "remote-candidates", "end-of-candidates", "ice-ufrag", "ice-pwd", "ice-options", "ice-lite",
        "ice-mismatch", "ice-pacing",  # the other leg's pinhole is the only candidate (RFC 8839)
        "altc", "ccap", "acap", "tcap", "pcfg", "acfg", "alt", "source-filter",  # addresses (RFC 6947, 5939, 4570)
        "bundle-only",  # written by the writer, as are groups of it (RFC 9143)
        "key-mgmt", "identity",  # keys and names of the other side (RFC 4567, RFC 8827)
        "crypto", "fingerprint", "setup", "connection", "tls-id",  # by policy only
    }
)  # fmt: skip

# [name] -> form of the whole line that passes, for names of which only some values do
_BY_VALUE = {
    "group": re.compile(r"a=group:(?:LS|FID|SRF|DDP|DUP|FEC|FEC-FR)(?: .*)?"),  # BUNDLE is written; ANAT has addresses
    # RFC 8285 section 8. URIs that are registered or published; one of somebody's own may name their host.
    "extmap": re.compile(
        r"a=extmap:[0-9]{1,5}(?:/(?:sendrecv|sendonly|recvonly|inactive))? +"
        r"(?:urn:ietf:params:rtp-hdrext:(?!sdes:cname)|urn:3gpp:|http://www\.webrtc\.org/|http://(?:www|tools)\.ietf\.org/|http://protocols\.cisco\.com/"
        r"|https://aomediacodec\.github\.io/)\S+(?: .*)?"
    ),
    "ssrc": re.compile(r"a=ssrc:[0-9]{1,10} (?:msid|fmtp|previous-ssrc)(?::.*)?"),
}


@lru_cache(maxsize=256)
def _names(profile: Profile, *, tcp: bool) -> frozenset[str]:
    by_policy = (DTLS if profile.dtls else frozenset()) | (SDES if profile.sdes else frozenset())
    return PASSING | by_policy | (TCP if tcp else frozenset()) | (profile.extra_attributes - WITHHELD)


def passing_attributes(
    lines: Iterable[str], profile: Profile, *, tcp: bool = False, withhold: frozenset[str]
) -> list[str]:
    """Return the a= lines that pass, in order.

    `withhold` takes names away from this description (rtcp-mux that the offer did not have). `a=ssrc` loses its cname:
    endpoints put user@address there, and receivers get the name in RTCP anyway (RFC 3550 section 6.5.1).
    """
    names = _names(profile, tcp=tcp)
    passed = [
        line
        for line in lines
        if line[0] == "a"
        and (name := line[2:].partition(":")[0]) in names
        and name not in withhold
        and (name not in _BY_VALUE or _BY_VALUE[name].fullmatch(line))
    ]
    if ADDRESS_LIKE.search("\n".join(passed)) is None:
        return passed
    return [line for line in passed if not names_address(line)]


def names_address(line: str) -> bool:
    """Whether text that looks like an address stands in a line; a fingerprint of proper form is none."""
    if line.startswith("a=fingerprint:") and FINGERPRINT.fullmatch(line, 14):
        return False
    return ADDRESS_LIKE.search(line) is not None
