"""Name the codec of an m-line, for people (RFC 8866 6.6, RFC 3551 6)."""

from b2bua.sdp.description import Media

_STATIC = {"0": "PCMU", "3": "GSM", "4": "G723", "8": "PCMA", "9": "G722", "18": "G729", "31": "H261", "34": "H263"}


def codec(media: Media) -> str:
    """Give the encoding of the first format; the format itself or the proto where it has no name."""
    first = media.formats[0] if media.formats else ""
    prefix = f"a=rtpmap:{first} "
    for line in media.lines:
        if line.startswith(prefix):
            return line[len(prefix) :].partition("/")[0]
    return _STATIC.get(first) or ("BFCP" if "BFCP" in media.proto else first)
