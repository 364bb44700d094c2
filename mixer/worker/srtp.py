"""Encryption of RTP (RFC 3711) with keys that both sides know (RFC 4568).

A packet bears 16 bits of its number; the rest, how often these have begun anew, each side counts by itself and needs
to decrypt. Whoever takes a stream over in the middle has to be told: sound begins anew after 22 minutes.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

from mixer.wire import Key, Rollover
from mixer.worker.engine import Gst, element, field_of
from mixer.worker.errors import TransportError

_CIPHERS = {
    "AES_CM_128_HMAC_SHA1_80": ("aes-128-icm", "hmac-sha1-80", "hmac-sha1-80", 30),
    "AES_CM_128_HMAC_SHA1_32": ("aes-128-icm", "hmac-sha1-32", "hmac-sha1-80", 30),
    "AES_256_CM_HMAC_SHA1_80": ("aes-256-icm", "hmac-sha1-80", "hmac-sha1-80", 46),
    "AES_256_CM_HMAC_SHA1_32": ("aes-256-icm", "hmac-sha1-32", "hmac-sha1-80", 46),
    "AEAD_AES_128_GCM": ("aes-128-gcm", "null", "null", 28),
    "AEAD_AES_256_GCM": ("aes-256-gcm", "null", "null", 44),
}
# suite -> cipher, authentication of RTP, of RTCP (always 80 bits, RFC 4568 section 6.2), octets of key and salt


def _material(key: Key) -> bytes:
    octets = _CIPHERS[key.suite][3]
    try:
        material = base64.b64decode(key.inline, validate=True)
    except ValueError as error:
        raise TransportError("a key is not base64") from error
    if len(material) != octets:
        raise TransportError(f"a key of {key.suite} has {octets} octets with its salt, not {len(material)}")
    return material


def srtp_encoder(key: Key) -> Gst.Element:
    """Encrypt with a key; raises `TransportError` where it is none of its suite."""
    cipher, rtp, rtcp, _ = _CIPHERS[key.suite]
    encoder = element("srtpenc", rtp_cipher=cipher, rtp_auth=rtp, rtcp_cipher=cipher, rtcp_auth=rtcp)
    encoder.set_property("key", Gst.Buffer.new_wrapped(_material(key)))
    return encoder


def srtp_decoder(key: Key, known: Sequence[Rollover] = ()) -> Gst.Element:
    """Decrypt what was encrypted with a key; raises `TransportError` where it is none of its suite.

    `known` are the counts of sources that began before.
    """
    cipher, rtp, rtcp, _ = _CIPHERS[key.suite]
    text = (
        f"application/x-srtp,srtp-key=(buffer){_material(key).hex()},srtp-cipher=(string){cipher},"
        f"srtp-auth=(string){rtp},srtcp-cipher=(string){cipher},srtcp-auth=(string){rtcp}"
    )
    others = Gst.Caps.from_string(text)
    begun = {one.source: Gst.Caps.from_string(f"{text},roc=(uint){one.count}") for one in known}
    decoder = element("srtpdec")
    decoder.connect("request-key", lambda _decoder, source: begun.get(source, others))
    return decoder


def rollovers(decoder: Gst.Element) -> tuple[Rollover, ...]:
    """Give the counts of sources whose numbers have begun anew."""
    streams = decoder.get_property("stats").get_value("streams")
    counts = ((field_of(one, "ssrc", 0), field_of(one, "roc", 0)) for one in streams)
    return tuple(Rollover(source, count) for source, count in counts if count)
