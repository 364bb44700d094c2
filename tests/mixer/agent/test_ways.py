"""Ways in beside UDP, and streams beside sound and picture: SIP over TLS, a real document, a recording."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from lab.authority import Authority
from mixer.bfcp import Message, Primitive
from mixer.bfcp.message import Kind, number
from mixer.worker.engine import Gst, load
from tests.mixer.agent.baresip import free_port
from tests.mixer.agent.conftest import configured, running
from tests.mixer.agent.served import Served
from tests.mixer.agent.system import PATIENCE, System
from vdx import meetings as orders
from vdx.meetings import Done

pytestmark = pytest.mark.system

ROOM = """
- room: {uuid: 00000000-0000-4000-8000-000000000009, aliases: ["9000"], quality: sd, language: en, may_record: true}
"""
RED = 81
"""The luminance of red (BT.601)."""
EBML = b"\x1a\x45\xdf\xa3"
"""How a Matroska file begins."""


@dataclass(frozen=True)
class House:
    """A server with a TLS port and a folder for recordings, and the authority that vouches for both sides."""

    served: Served
    port: int
    authority: Authority
    recordings: Path


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, prompts: Path) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("ways")
    authority, port = Authority(folder / "keys"), free_port(socket.SOCK_STREAM)
    pair, recordings = authority.issue("mixer", ["127.0.0.1"]), folder / "recordings"
    recordings.mkdir()
    file, served = configured(folder, prompts, f"recordings: {recordings}")
    (folder / "rooms.yaml").write_text((folder / "rooms.yaml").read_text() + ROOM)
    secure = f"{{address: 127.0.0.1, port: {port}, transport: tls, certificate: {pair.certificate}, key: {pair.key},"
    text = file.read_text().replace("sip: [{", f"sip: [{secure} trust: {authority.path}}}, {{")
    file.write_text(text)
    with running(file, served) as one:
        yield House(one, port, authority, recordings)


class Secure:
    """A TLS connection in place of a UDP socket: a message a time."""

    def __init__(self, house: House) -> None:
        pair = house.authority.issue("edge", ["edge.example"])
        context = ssl.create_default_context(cafile=str(house.authority.path))
        context.load_cert_chain(*pair.texts)
        plain = socket.create_connection(("127.0.0.1", house.port), timeout=PATIENCE)
        self._tls = context.wrap_socket(plain, server_hostname="127.0.0.1")
        self._data = b""

    def getsockname(self) -> tuple[str, int]:
        return ("127.0.0.1", int(self._tls.getsockname()[1]))

    def sendto(self, data: bytes, to: tuple[str, int]) -> None:
        del to
        self._tls.sendall(data.replace(b"SIP/2.0/UDP", b"SIP/2.0/TLS"))

    def recv(self, size: int) -> bytes:
        while b"\r\n\r\n" not in self._data:
            self._more(size)
        head, _, body = self._data.partition(b"\r\n\r\n")
        found = re.search(rb"^Content-Length: *(\d+)", head, re.MULTILINE | re.IGNORECASE)
        whole = len(head) + 4 + (int(found[1]) if found else 0)
        while len(self._data) < whole:
            self._more(size)
        message, self._data = self._data[:whole], self._data[whole:]
        del body
        return message

    def close(self) -> None:
        self._tls.close()

    def _more(self, size: int) -> None:
        more = self._tls.recv(size)
        assert more, "the server closed the connection"
        self._data += more


def test_a_room_is_called_over_tls(house: House) -> None:
    with System(house.port) as one:
        one._sip.close()
        one._sip = Secure(house)  # type: ignore[assignment]
        answer = one.invite(f"sips:9000@127.0.0.1:{house.port}")
        assert "SIP/2.0/TLS" in answer
        house.served.until(lambda: house.served.roster("9000").get("System"))
    house.served.until(lambda: house.served.status().calls == 0 or None)


def test_who_shows_no_certificate_is_not_heard(house: House) -> None:
    context = ssl.create_default_context(cafile=str(house.authority.path))
    with (
        socket.create_connection(("127.0.0.1", house.port), timeout=PATIENCE) as plain,
        pytest.raises((ssl.SSLError, ConnectionError)),
        context.wrap_socket(plain, server_hostname="127.0.0.1") as tls,
    ):
        tls.recv(1)  # in TLS 1.3 the client hears of it after its own handshake


def content(answer: str) -> int:
    """Give the port of the content stream in a description."""
    return int(re.findall(r"^m=video (\d+)", answer, re.MULTILINE)[1])


def test_a_document_reaches_the_others_and_the_recording(house: House) -> None:
    load()
    served = house.served
    with System(served.port, user="anna") as anna, System(served.port, user="bo") as bo:
        there = content(anna.invite(served.uri("9000")))
        bo.invite(served.uri("9000"))
        served.until(lambda: len(served.roster("9000")) == 2 or None)
        assert served.order(orders.Recording("9000")) == Done()
        anna.floor_connect(served.floor)
        wanted = (number(Kind.FLOOR_ID, 1),)
        anna.say(Message(Primitive.FLOOR_REQUEST, anna.conference, 2, anna.user, wanted, version=anna.version))
        served.until(lambda: served.roster("9000")["Anna"].presenting or None)
        ours, theirs = (one._media[2].getsockname()[1] for one in (anna, bo))
        for one in (anna, bo):
            one._media[2].close()
        pipeline = Gst.parse_launch(
            "videotestsrc is-live=true pattern=red ! video/x-raw,format=I420,width=320,height=180,framerate=15/1 !"
            " x264enc tune=zerolatency speed-preset=ultrafast key-int-max=15 threads=1 !"
            " video/x-h264,profile=constrained-baseline ! rtph264pay pt=97 config-interval=-1 mtu=1200 !"
            f" udpsink host=127.0.0.1 port={there} bind-address=127.0.0.1 bind-port={ours} sync=false async=false "
            f'udpsrc address=127.0.0.1 port={theirs} caps="application/x-rtp,media=video,clock-rate=90000,'
            'encoding-name=H264,payload=97" ! rtph264depay ! h264parse ! avdec_h264 ! videoconvert !'
            " video/x-raw,format=GRAY8 ! appsink name=seen sync=false max-buffers=1 drop=true"
        )
        seen = pipeline.get_by_name("seen")
        pipeline.set_state(Gst.State.PLAYING)
        try:
            served.until(lambda: is_red(seen) or None)
            (file,) = house.recordings.iterdir()
            served.until(lambda: file.stat().st_size > 10_000 or None)
        finally:
            pipeline.set_state(Gst.State.NULL)
        assert served.order(orders.Recording("9000", on=False)) == Done()
        assert file.read_bytes()[:4] == EBML


def is_red(seen: Gst.Element) -> bool:
    """Tell whether the last picture is red in the middle."""
    sample = seen.emit("try-pull-sample", Gst.SECOND)
    if sample is None:
        return False
    buffer, shape = sample.get_buffer(), sample.get_caps().get_structure(0)
    wide, high = shape.get_value("width"), shape.get_value("height")
    picture = np.frombuffer(buffer.extract_dup(0, buffer.get_size()), dtype=np.uint8).reshape(high, -1)[:, :wide]
    return abs(int(picture[high // 2, wide // 2]) - RED) < 12
