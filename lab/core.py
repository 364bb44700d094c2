"""The mixing core of a lab: a bus and a mixing server on the host `core`, and the edge told of both.

The bus starts after the edge on purpose: an edge needs no bus to start.
"""

import asyncio
import os
import secrets
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import yaml

from lab.bus import BusServer
from lab.edge import explain
from lab.errors import ProgramError
from lab.processes import Process
from lab.site import ROOT_FILE
from lab.topology import MIXER, SIP_PORT, TLS_PORT
from lab.users import B2BUA, BUS, GROUP
from lab.users import MIXER as MIXER_USER
from mixer.prompts import build
from vdx.bus import Address, Bucket, Bus, Watch
from vdx.bus.grants import BUCKETS, STREAMS, Role
from vdx.bus.kinds import Kind
from vdx.bus.provision import bucket, provision, stream
from vdx.nodes import NODES, Node
from vdx.placed import CALLS
from vdx.rooms import MIN_KEY, ROOMS, Room, pin_digest

if TYPE_CHECKING:
    from lab.lab import Lab

T = TypeVar("T")
Transport = Literal["udp", "tls"]
"""What edge and mixing server speak SIP over."""

BUS_PORT = 4222
ALIAS = "1234"
HOST = "core"
NODE = "mixer1"
PEER = "mixers"
CORE_PROGRAMS = ("bus", "mixer")
READY_S = 60.0  # the first start compiles GStreamer's list of plugins
ASK_S = 15.0
POLL_S = 0.1
KINDS: tuple[Kind[Any], ...] = (ROOMS, NODES, CALLS)


class Core:
    """The bus and the mixing server of a lab."""

    def __init__(self, lab: "Lab") -> None:
        self._lab = lab
        state = lab.state
        self.bus = BusServer(
            state.bus, f"{MIXER}:{BUS_PORT}", host=lab.host(HOST), user=BUS, log=state.logs / "bus.log"
        )

    @property
    def programs(self) -> dict[str, Role]:
        """Who may connect to the bus."""
        return {"hub": "hub", self._lab.name: "edge", NODE: "mixer", "desk": "operator"}

    @property
    def themes(self) -> Path:
        """Where themes of organisations lie."""
        return self._lab.state.mixer / "themes"

    @property
    def _pins(self) -> Path:
        return self._lab.state.mixer / "pins.key"

    def prepare(self) -> None:
        """Write the configurations of bus and mixing server, and tell the edge's site file of them."""
        state = self._lab.state
        self.bus.prepare(self.programs)
        for name, user in ((self._lab.name, B2BUA), (NODE, MIXER_USER)):
            os.chown(self.bus.secret(name), user.uid, user.gid)
        for folder in (state.mixer, state.mixer / "run", state.mixer / "kept", state.mixer / "cache"):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o755)
            os.chown(folder, MIXER_USER.uid, GROUP)
        build(state.mixer / "cache")  # else it is spoken while the program's readiness is waited for
        self.themes.mkdir(exist_ok=True)
        self._pins.write_text(secrets.token_hex(MIN_KEY))
        self._pins.chmod(0o600)
        os.chown(self._pins, MIXER_USER.uid, GROUP)
        self._certify()
        self._configure("udp")
        site = yaml.safe_load(state.site.read_text())
        tell_site(site, str(self.bus.secret(self._lab.name)))
        state.site.write_text(yaml.safe_dump(site, sort_keys=False))

    def start(self) -> None:
        """Start the bus, make what stands on it, start the mixing server, and wait until the edge knows it."""
        self.start_bus()
        self._lab.start("mixer")
        self._wait_for_node("udp")

    def speak(self, transport: Transport) -> None:
        """Start the mixing server anew, with another transport between it and the edge."""
        self._lab.stop("mixer")
        self._configure(transport)
        self._lab.start("mixer")
        self._wait_for_node(transport)

    def _wait_for_node(self, transport: Transport) -> None:
        def there() -> bool:
            node = self.on_bus(_nodes).get(NODE)
            return node is not None and node.transport == transport

        self._wait(there, "the mixing server does not say on the bus that it is there")

    def start_bus(self) -> None:
        """Start the bus and make its buckets and streams."""
        self.bus.start()
        if self.bus.process is not None and (process := Process.of(self.bus.process.pid)):
            self._lab.state.remember("bus", process, self.bus.command)
        configs = [bucket(kind, 1) for kind in KINDS if kind.name in BUCKETS]
        self.on_bus(lambda bus: provision(bus, configs + [stream(name, 1) for name in STREAMS]))

    def add_room(self, alias: str, name: str = "", *, host_pin: str = "", guest_pin: str = "", **more: Any) -> Room:  # noqa: ANN401 - the record's own fields
        """Write a room and wait until the edge knows it; `more` are further fields of its record."""
        ident, key = str(uuid.uuid4()), self._pins.read_bytes()
        more |= {"host_pin": pin_digest(key, ident, host_pin), "guest_pin": pin_digest(key, ident, guest_pin)}
        room = Room(uuid=ident, aliases=(alias,), name=name, language="en", **more)
        self.on_bus(lambda bus: Bucket(bus, ROOMS).create(room.uuid, room))
        self._wait(
            lambda: room.uuid in explain(self._lab.state.run, "hospital", alias), "the edge does not know the room"
        )
        return room

    def some_room(self) -> str:
        """Give the alias of a room, a new one where there is none."""
        rooms = self.on_bus(_rooms)
        return next((room.aliases[0] for room in rooms.values() if room.aliases), "") or self._first_room()

    def _first_room(self) -> str:
        return self.add_room(ALIAS, "Ward round").aliases[0]

    def on_bus(self, work: Callable[[Bus], Awaitable[T]]) -> T:
        """Do something on the bus, as the hub would."""
        return self._lab.host(HOST).call(lambda: asyncio.run(self._connected(work)))

    async def _connected(self, work: Callable[[Bus], Awaitable[T]]) -> T:
        bus = Bus(Address((self.bus.url,), "hub", self.bus.secret("hub")))
        running = asyncio.create_task(bus.run())
        try:
            async with asyncio.timeout(ASK_S):
                await bus.until_connected()
                return await work(bus)
        except TimeoutError:
            raise ProgramError(
                f"The bus at {self.bus.url} does not answer; see {self._lab.state.logs}/bus.log"
            ) from None
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    def _certify(self) -> None:
        """Give the mixing server a certificate of the lab's authority, for TLS between it and the edge."""
        keys, mixer = self._lab.state.keys, self._lab.state.mixer
        for name in (f"{HOST}.pem", f"{HOST}.key", ROOT_FILE):
            copy = mixer / name
            copy.touch(0o600)
            copy.write_bytes((keys / name).read_bytes())
            os.chown(copy, MIXER_USER.uid, MIXER_USER.gid)

    def _configure(self, transport: Transport) -> None:
        text = yaml.safe_dump(self._mixer(transport), sort_keys=False)
        (self._lab.state.mixer / "mixer.yaml").write_text(text)

    def _mixer(self, transport: Transport) -> dict[str, Any]:
        state, address = self._lab.state, {"address": MIXER}
        spoken = {"port": SIP_PORT, "transport": transport}
        files = {}
        if transport == "tls":
            spoken["port"] = TLS_PORT
            names = {"certificate": f"{HOST}.pem", "key": f"{HOST}.key", "trust": ROOT_FILE}
            files = {what: str(state.mixer / name) for what, name in names.items()}
        edge = next(str(one.ip) for one in self._lab.topology.zone("core").addresses if one.version == 4)
        return {
            "name": NODE,
            "sip": [{**address, **spoken, **files}],
            "edge": [f"{edge}/32"],
            "media": address,
            "proxy": {"address": edge, **spoken},
            "bus": {"servers": [self.bus.url], "credentials": str(self.bus.secret(NODE))},
            "capacity": 20,
            "language": "en",
            "pins": str(self._pins),
            "themes": str(self.themes),
            "run_dir": str(state.mixer / "run"),
            "state_dir": str(state.mixer / "kept"),
            "cache_dir": str(state.mixer / "cache"),
        }

    def _wait(self, holds: Callable[[], bool], otherwise: str) -> None:
        ends = time.monotonic() + READY_S
        while not holds():
            if time.monotonic() > ends:
                raise ProgramError(f"{otherwise}; see the logs in {self._lab.state.logs}")
            time.sleep(POLL_S)


def tell_site(site: dict[str, Any], secret: str) -> None:
    """Tell an edge of the bus and the mixing servers; whatever is dialled may be a room."""
    site["peers"][PEER] = {
        "zone": "core",
        "sources": [f"{MIXER}/32"],
        "media": [f"{MIXER}/32"],
        "target": {"address": MIXER, "port": SIP_PORT, "transport": "udp"},
    }
    site["bus"] = {
        "zone": "core",
        "servers": [{"address": MIXER, "port": BUS_PORT}],
        "rooms": PEER,
        "file": secret,
        "encryption": "off",
    }
    site["dialplan"].insert(0, {"alias": "*", "to": "room"})


async def _rooms(bus: Bus) -> dict[str, Room]:
    watch = Watch(ROOMS)
    bus.add(watch)
    await watch.until_synced()
    return dict(watch.records)


async def _nodes(bus: Bus) -> dict[str, Node]:
    watch = Watch(NODES)
    bus.add(watch)
    await watch.until_synced()
    return dict(watch.records)
