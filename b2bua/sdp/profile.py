"""What one pair of legs lets pass beyond codecs: decided by the peers' profiles, handed to every pure function here."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Profile:
    """The policy of one description on its way to the other leg.

    extra_attributes  names of attributes outside the tables of `attributes.py` that pass as they are; an attribute
                      that carries addresses or keys never passes this way
    sdes              a=crypto passes (RFC 4568): only where both legs are TLS or WSS, since it holds the keys
    dtls              a=fingerprint, a=setup and a=tls-id pass (RFC 5763, RFC 8842)
    required          RTP without keys is refused, and keys beside a plain proto (RFC 8643) are made binding
    bandwidth         kbit/s that the receiver may be told to send: larger b= values are cut, None for no limit
    """

    extra_attributes: frozenset[str] = frozenset()
    sdes: bool = False
    dtls: bool = True
    required: bool = False
    bandwidth: int | None = None


DEFAULT = Profile()
"""DTLS-SRTP passes, SDES does not, nothing has to be encrypted, no limit of bandwidth."""
