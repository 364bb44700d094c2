"""What a mixing server is told: a YAML file of few lines, read once."""

from __future__ import annotations

import ipaddress
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from mixer.errors import ConfigError

MAX_FILE = 64 * 1024
"""Octets of the file: a tenth of it is a long one."""

Port = Annotated[int, Meta(ge=1, le=65535)]
MediaPort = Annotated[int, Meta(ge=1024, le=65535)]
Host = Annotated[str, Meta(min_length=2, max_length=45)]


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The base of all parts: a field that is not known is an error that names it."""


class Sip(Section, frozen=True):
    """Where SIP is listened to. `certificate`, `key` and `trust` (PEM) are for transport `tls`, and needed there."""

    address: Host
    port: Port = 5060
    transport: Literal["udp", "tcp", "tls"] = "udp"
    certificate: str = ""
    key: str = ""
    trust: str = ""


class Proxy(Section, frozen=True):
    """The edge, where our own calls go."""

    address: Host
    port: Port = 5060
    transport: Literal["udp", "tcp", "tls"] = "udp"


class Media(Section, frozen=True):
    """Where media is received: an address of this server, and the ports from `first` to `last`."""

    address: Host
    first: MediaPort = 40_000
    last: MediaPort = 49_999
    floor: MediaPort = 5070
    """The port of floor control (BFCP), UDP and TCP."""


class BusAddress(Section, frozen=True):
    """The servers of the bus, and the files that let us in."""

    servers: tuple[str, ...]
    credentials: Path | None = None
    trust: Path | None = None


class Workers(Section, frozen=True):
    """Room workers: `ready` ones wait for rooms.

    At `socket` a service manager starts one for each connection, with user and limits of its own. Without it the agent
    starts them, as `user` where it may choose.
    """

    ready: Annotated[int, Meta(ge=0, le=16)] = 2
    user: str = ""
    socket: Path | None = None


class Config(Section, frozen=True):
    """All of it. `capacity` in ports; 0 takes what `mixer calibrate` has measured.

    `edge` are the prefixes that calls come from, nobody else is answered. `pins` is the file of the installation's
    key (`vdx.rooms.pin_digest`), `rooms` a YAML file of rooms that stand beside those of the bus.
    """

    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,63}\Z")]
    sip: Annotated[tuple[Sip, ...], Meta(min_length=1, max_length=8)]
    edge: Annotated[tuple[str, ...], Meta(min_length=1, max_length=64)]
    media: Media
    proxy: Proxy | None = None
    bus: BusAddress | None = None
    site: str = ""
    pins: Path | None = None
    rooms: Path | None = None
    capacity: Annotated[int, Meta(ge=0, le=10_000)] = 0
    language: Literal["da", "en"] = "da"
    h265: bool = False
    fps: Annotated[int, Meta(ge=15, le=30)] = 25
    """Pictures a second of every room; `mixer calibrate` counts with as many."""
    workers: Workers = msgspec.field(default_factory=Workers)
    run_dir: Path = Path("/run/vdx-mixer")
    state_dir: Path = Path("/var/lib/vdx-mixer")
    cache_dir: Path = Path("/var/cache/vdx-mixer")
    recordings: Path | None = None
    """Where recordings go; none are made without."""
    themes: Path | None = None
    """A folder of themes (`mixer.prompts.themes`)."""


class Sources:
    """Who may call: addresses within prefixes."""

    def __init__(self, prefixes: tuple[str, ...]) -> None:
        try:
            self._networks = [ipaddress.ip_network(prefix) for prefix in prefixes]
        except ValueError as error:
            raise ConfigError(f"edge: {error}: write prefixes such as 192.0.2.4/32") from error

    def __contains__(self, host: object) -> bool:
        address = ipaddress.ip_address(str(host).partition("%")[0])
        return any(address in network for network in self._networks)

    @cached_property
    def text(self) -> str:
        """Name them for people."""
        return ", ".join(map(str, self._networks))


def _path(kind: type, value: object) -> object:
    if kind is Path and isinstance(value, str) and value.startswith("/"):
        return Path(value)
    raise ValueError(f"{value!r} is no path from the root")


def load(path: Path) -> Config:
    """Read the file; raises `ConfigError` that names the field."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > MAX_FILE:
        raise ConfigError(f"{path} is longer than {MAX_FILE} bytes")
    try:
        config = msgspec.yaml.decode(data, type=Config, dec_hook=_path)
    except msgspec.MsgspecError as error:
        raise ConfigError(f"{path}: {error}") from error
    Sources(config.edge)
    for sip in config.sip:
        if sip.transport == "tls" and not (sip.certificate and sip.key and sip.trust):
            raise ConfigError(f"{path}: sip: transport tls needs certificate, key and trust")
    if config.proxy is not None and all(sip.transport != config.proxy.transport for sip in config.sip):
        raise ConfigError(f"{path}: proxy: transport {config.proxy.transport} is that of no listener of `sip`")
    for name, host in (("media", config.media.address), *(("sip", sip.address) for sip in config.sip)):
        try:
            ipaddress.ip_address(host)
        except ValueError as error:
            raise ConfigError(f"{path}: {name}: address: {host!r} is no IP address") from error
    if config.media.last - config.media.first < 1:
        raise ConfigError(f"{path}: media: no two ports from first to last")
    return config
