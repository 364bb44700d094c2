"""b= lines (RFC 8866 section 5.8): passed on, held to what the peer may be asked to send."""

from collections.abc import Iterable

from b2bua.sdp.grammar import BANDWIDTH

# [bwtype] -> how many of its units make one kbit/s. RR and RS (RFC 3556) share out RTCP and are not limited.
_PER_KBIT = {"AS": 1, "CT": 1, "TIAS": 1_000}


def session_bandwidth(lines: Iterable[str], limit: int | None) -> list[str]:
    """Return the b= lines of a session part; one that names no bandwidth is given `limit` as its total (b=AS)."""
    passed = passing_bandwidth(lines, limit)
    if limit is not None and not any(line[2:].partition(":")[0] in _PER_KBIT for line in passed):
        passed.append(f"b=AS:{limit}")
    return passed


def passing_bandwidth(lines: Iterable[str], limit: int | None) -> list[str]:
    """Return the well-formed b= lines in order, values cut to `limit` kbit/s (None: as they are)."""
    passed = []
    for line in lines:
        if line[0] != "b" or (match := BANDWIDTH.fullmatch(line, 2)) is None:
            continue
        units = _PER_KBIT.get(match[1])
        if limit is not None and units is not None and int(match[2]) > limit * units:
            passed.append(f"b={match[1]}:{limit * units}")
        else:
            passed.append(line)
    return passed
