"""Calls that a room makes: who calls whom, by which way. Pure."""

from __future__ import annotations

from b2bua import sip
from b2bua.sip.uri import host_port
from mixer.agent.config import Config
from mixer.agent.focus import ZONE
from mixer.agent.meeting import Meeting
from mixer.errors import ConfigError


def invitation(config: Config, meeting: Meeting, address: str, body: bytes) -> sip.Invitation:
    """Write the INVITE of a room to an address, by the edge.

    Raises `ConfigError` where the configuration names no way out, `sip.SipError` for an address that is none.
    """
    proxy = config.proxy
    if proxy is None:
        raise ConfigError("nobody can be called: the configuration names no `proxy`")
    ours = next((one for one in config.sip if one.transport == proxy.transport), None)
    if ours is None:
        raise ConfigError(f"nobody can be called: `proxy` is of transport {proxy.transport}, and no `sip` is")
    uri = address if address.lower().startswith(("sip:", "sips:")) else f"sip:{address}"
    sip.parse_uri(uri)
    settings = meeting.room.settings
    where = host_port(ours.address, ours.port)
    suffix = "" if ours.transport == "udp" else f";transport={ours.transport}"
    name = "".join(char for char in settings.name if char.isprintable() and char not in '"\\')
    return sip.Invitation(
        sip.Target(ZONE, proxy.transport, proxy.address, proxy.port),
        uri,
        f'"{name}" <sip:{settings.alias}@{where}>',
        f"<{uri}>",
        (ours.address, ours.port),
        f"<sip:{settings.alias}@{where}{suffix}>;isfocus",
        body=body,
        max_forwards=meeting.hops,
        reliable=False,
    )
