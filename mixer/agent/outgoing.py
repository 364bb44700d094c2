"""Calls that a room makes: who calls whom, by which way. Pure."""

from __future__ import annotations

import msgspec

from b2bua import sip
from b2bua.sip.uri import host_port
from mixer.agent.config import Config, Proxy, Sources
from mixer.agent.focus import ZONE
from mixer.agent.meeting import Meeting
from mixer.errors import ConfigError
from mixer.room import Kind


def invitation(config: Config, meeting: Meeting, address: str, body: bytes) -> sip.Invitation:
    """Write the INVITE of a room to an address, by the edge.

    Raises `ConfigError` where the configuration names no way out, `sip.SipError` for an address that is none.
    """
    uri = address if address.lower().startswith(("sip:", "sips:")) else f"sip:{address}"
    to = sip.parse_uri(uri)
    proxy = _edge(config, to) if meeting.room.settings.kind is Kind.GATEWAY else None
    proxy = proxy or config.proxy
    if proxy is None:
        raise ConfigError("nobody can be called: the configuration names no `proxy`")
    ours = next((one for one in config.sip if one.transport == proxy.transport), None)
    if ours is None:
        raise ConfigError(f"nobody can be called: `proxy` is of transport {proxy.transport}, and no `sip` is")
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


def _edge(config: Config, to: sip.Uri) -> Proxy | None:
    """Give the edge that a bridge leads back to: of several, the one that asked holds the other half of the call."""
    transport = to.params.get("transport") or "udp"
    try:
        if to.host.strip("[]") not in Sources(config.edge):
            return None
        return msgspec.convert({"address": to.host.strip("[]"), "port": to.port or 5060, "transport": transport}, Proxy)
    except (ValueError, msgspec.ValidationError):  # a name, or a transport that is none of ours
        return None
