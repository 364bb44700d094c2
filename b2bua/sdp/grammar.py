"""The grammar of the lines that are read (RFC 8866); every other line is kept as it came.

Addresses are never resolved: a name in a place for an address would let a peer choose where our packets go.
"""

import re
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_address
from typing import Literal, NamedTuple, NewType

from b2bua.sdp.errors import AddressNotUsableError, MalformedSdpError, quoted

Address = NewType("Address", str)
"""An IPv4 or IPv6 address in its canonical text: addresses are compared and written far more often than read."""

Family = Literal[4, 6]

# RFC 8866 section 5.14: m=<media> <port>[/<number of ports>] <proto> <fmt> ...
# <media> and <proto> are tokens in the RFC; every registered one is made of letters, digits and hyphens, and
# holding to that keeps addresses out of them. Several spaces in a row are taken for one.
MEDIA_LINE = re.compile(
    r"([A-Za-z][A-Za-z0-9-]*) +([0-9]{1,5})(?:/([0-9]{1,5}))? +"
    r"([A-Za-z0-9-]+(?:/[A-Za-z0-9-]+)*)((?: +[!#-'*+\-.0-9A-Z^-~]+)+) *"
)

# RFC 8866 section 5.8: b=<bwtype>:<bandwidth>
BANDWIDTH = re.compile(r"([A-Za-z0-9-]{1,16}):([0-9]{1,12})")

# RFC 3605 section 2.1: a=rtcp:<port> [<nettype> <addrtype> <connection-address>]
RTCP = re.compile(r"([0-9]{1,5})(?: +(\S.*))?")

# RFC 8122 section 5: a=fingerprint:<hash-func> <hex pairs with colons>
FINGERPRINT = re.compile(r"[A-Za-z0-9-]{1,16} [0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){15,63}")

# RFC 8866 section 9: <unicast-address> as text anywhere in a value: a dotted quad, or IPv6 with "::" or in full.
# Each alternative begins with its rarest character, so that a search over a whole description stays cheap.
_QUAD = r"\.(?<=[0-9]\.)[0-9]{1,3}\.[0-9]{1,3}\.[0-9]"
_SHORT = r":(?::[0-9A-Fa-f]|(?<=[0-9A-Fa-f]:):)"
_FULL = r":[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]"
ADDRESS_LIKE = re.compile(f"{_QUAD}|{_SHORT}|{_FULL}")

_NO_ADDRESS = "not an address of the stated family; host names are never resolved"


class Connection(NamedTuple):
    """Where a c= or a=rtcp line points: `address` is None where it is unspecified (0.0.0.0, ::, *.invalid)."""

    family: Family
    address: Address | None


@lru_cache(maxsize=1024)  # an appliance has a few, said in every description
def address(text: str) -> Address:
    """Read one of our own addresses. Raises ValueError for anything else."""
    return Address(str(ip_address(text)))


@lru_cache(maxsize=1024)  # each leg of a call says its own address several times, and rooms call again
def read_connection(value: str) -> Connection:
    """Read `<nettype> <addrtype> <address>` (RFC 8866 section 5.7).

    Raises MalformedSdpError for other network types and AddressNotUsableError for host names and multicast.
    """
    fields = value.split()
    if len(fields) != 3 or fields[0] != "IN" or fields[1] not in {"IP4", "IP6"}:
        raise MalformedSdpError(f"c={quoted(value)} is not 'IN IP4' or 'IN IP6' and one address")
    family: Family = 4 if fields[1] == "IP4" else 6
    text = fields[2]
    try:
        read = IPv4Address(text) if family == 4 else IPv6Address(text)
    except AddressValueError:
        if text.lower().rstrip(".").endswith(".invalid"):  # "no address" of IPv6 (RFC 6157)
            return Connection(family, None)
        what = "a multicast group; only unicast media is relayed" if "/" in text else _NO_ADDRESS
        raise AddressNotUsableError(f"{quoted(text)} is {what}") from None
    if read.is_multicast:
        raise AddressNotUsableError(f"{quoted(text)} is a multicast group; only unicast media is relayed")
    if isinstance(read, IPv6Address) and read.scope_id:
        raise AddressNotUsableError(f"{quoted(text)} names an interface of another host; write a global address")
    if isinstance(read, IPv6Address) and read.ipv4_mapped:
        raise AddressNotUsableError(f"{quoted(text)} is an IPv4 address; write it as IN IP4")
    return Connection(family, None if read.is_unspecified else Address(str(read)))


def write_connection(address: Address) -> str:
    """Return `IN IP4 192.0.2.1` or `IN IP6 2001:db8::1`."""
    return f"IN IP{6 if ':' in address else 4} {address}"
