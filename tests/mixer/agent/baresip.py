"""A baresip on the loopback: a real participant with picture, sound and a remote control."""

from __future__ import annotations

import json
import math
import select
import socket
import struct
import subprocess
import time
import wave
from array import array
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from lab import processes
from lab.netstring import Decoder, encode
from lab.processes import Process

RATE = 16_000
SECONDS = 60
PATIENCE = 20.0
MODULES = (
    *("menu", "ctrl_tcp", "sndfile", "dtls_srtp", "srtp"),
    *("g711", "g722", "opus", "aufile", "aubridge"),
    *("avcodec", "avformat", "swscale", "fakevideo"),
    *("account", "contact"),
)


def free_port(kind: int = socket.SOCK_DGRAM, host: str = "127.0.0.1") -> int:
    with socket.socket(socket.AF_INET, kind) as one:
        one.bind((host, 0))
        return int(one.getsockname()[1])


def write_tone(path: Path, hertz: float) -> None:
    one = array("h", (round(8000 * math.sin(2 * math.pi * hertz * at / RATE)) for at in range(RATE)))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(one.tobytes() * SECONDS)


class Baresip:
    """One user agent; it records what it hears (`heard`)."""

    def __init__(
        self, folder: Path, name: str, hertz: float, *, video: bool = True, account: str = "", port: int = 0
    ) -> None:
        self.folder = folder / name
        self.folder.mkdir()
        self.name = name
        self.port = port or free_port()
        self.events: list[dict[str, Any]] = []
        self._replies: dict[str, dict[str, Any]] = {}
        self._decoder = Decoder()
        self._count = 0
        write_tone(self.folder / "tone.wav", hertz)
        control = free_port(socket.SOCK_STREAM)
        settings = {
            "poll_method": "epoll",
            "sip_listen": f"127.0.0.1:{self.port}",
            "net_interface": "127.0.0.1",
            "rtp_ports": "20000-29999",
            "rtp_stats": "yes",
            "audio_source": f"aufile,{self.folder}/tone.wav",
            "audio_player": "aubridge,nobody",
            "audio_alert": "aufile,/dev/null",
            "ausrc_srate": str(RATE),
            "ausrc_channels": "1",
            "auplay_channels": "1",
            "video_source": "avformat,lavfi,testsrc2=size=320x180:rate=15",
            "video_display": "fakevideo,nil",
            "video_size": "320x180",
            "video_bitrate": "300000",
            "video_fps": "15",
            "statmode_default": "off",
            "ctrl_tcp_listen": f"127.0.0.1:{control}",
            "module_path": "/usr/lib/baresip/modules",
            "snd_path": str(self.folder),
        }
        lines = [f"{key}\t{value}" for key, value in settings.items()]
        lines += [f"module\t{module}.so" for module in MODULES]
        (self.folder / "config").write_text("\n".join(lines) + "\n")
        codecs = ";video_codecs=H264" if video else ";video_codecs=none"
        (self.folder / "accounts").write_text(
            f'"{name.title()}" <sip:{name}@127.0.0.1>;regint=0;answermode=auto'
            f";audio_codecs=opus/48000/2,g722/16000/1,pcma/8000/1{codecs}{account}\n"
        )
        (self.folder / "contacts").write_text("")
        with (self.folder / "log").open("wb") as log:
            self._child = subprocess.Popen(
                ["baresip", "-f", str(self.folder)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self._process = Process.of(self._child.pid)
        self._control = self._connect(control)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def dial(self, uri: str) -> None:
        self.command("dial", uri)

    def press(self, keys: str) -> None:
        for key in keys:
            self.command("sndcode", key)
            self.command("sndcode", "\x04")

    def command(self, name: str, parameters: str = "") -> str:
        self._count += 1
        token = str(self._count)
        self._control.sendall(encode(json.dumps({"command": name, "params": parameters, "token": token}).encode()))
        deadline = time.monotonic() + PATIENCE
        while token not in self._replies:
            self._read(deadline)
        reply = self._replies.pop(token)
        return str(reply.get("data", ""))

    def wait(self, *kinds: str) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE
        while True:
            for number, event in enumerate(self.events):
                if event.get("type") in kinds:
                    del self.events[: number + 1]
                    return event
            self._read(deadline)

    def heard(self) -> Path:
        return next(self.folder.glob("dump-*-dec.wav"))

    def stop(self) -> None:
        if self._process is not None:
            processes.end([self._process], grace=2.0)
        self._child.wait()
        self._control.close()

    def _connect(self, port: int) -> socket.socket:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
            except OSError:
                assert self._child.poll() is None, self.log
                assert time.monotonic() < deadline, self.log
                select.select([], [], [], 0.05)

    def _read(self, deadline: float) -> None:
        left = deadline - time.monotonic()
        assert left > 0, f"{self.name} waits in vain; events {self.events}; log {self.log[-2000:]}"
        if not select.select([self._control], [], [], left)[0]:
            return
        data = self._control.recv(65536)
        assert data, f"{self.name} is gone: {self.log[-2000:]}"
        for text in self._decoder.receive(data):
            message = json.loads(text)
            if message.get("event"):
                self.events.append(message)
            elif message.get("response"):
                self._replies[message.get("token", "")] = message


def recorded(path: Path, seconds: float) -> tuple[int, NDArray[np.float64]] | None:
    """Give the rate and the last samples of a recording that goes on; None while it is shorter."""
    data = path.read_bytes()
    if len(data) < 44:
        return None
    channels, rate = struct.unpack("<HI", data[22:28])
    frames = np.frombuffer(data[44 : len(data) // 4 * 4], "<i2")
    mono = frames[: len(frames) // channels * channels : channels] / 32768
    return (rate, mono[-int(seconds * rate) :]) if len(mono) >= seconds * rate else None


def strength(path: Path, hertz: float, seconds: float = 2.0) -> float:
    """Give how strong a tone is in the last seconds of a recording, in dB below full scale; 0 while it is shorter."""
    found = recorded(path, seconds)
    if found is None:
        return 0.0
    rate, data = found
    spectrum = np.abs(np.fft.rfft(data * np.hanning(len(data)))) * 4 / len(data)
    at = int(hertz * len(data) / rate)
    return float(20 * np.log10(spectrum[at - 6 : at + 7].max() + 1e-9))
