"""The media engine: GStreamer loaded once, and pipelines that all share one clock and one zero.

Each stream and each encoder is a pipeline of its own, and pictures and blocks of sound are handed from one to the next
here: what goes wrong in one cannot stop another. All of them count time from the same moment, so that a time stamp made
in one means the same in all.
"""

from __future__ import annotations

import ctypes
import logging
import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import TypeVar

import gi

from mixer.worker.errors import EngineError

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
gi.require_version("GstRtp", "1.0")
gi.require_version("GstVideo", "1.0")
with warnings.catch_warnings():  # Debian's binding still loads its modules in a way that Python warns of
    warnings.simplefilter("ignore", ImportWarning)
    from gi.repository import Gio, GLib, Gst, GstApp, GstRtp, GstVideo

__all__ = [
    "GLib",
    "Gio",
    "Gst",
    "GstApp",
    "GstRtp",
    "GstVideo",
    "Pipeline",
    "element",
    "entry",
    "field_of",
    "give_back",
    "live_source",
    "load",
    "name_thread",
    "now",
]

log = logging.getLogger("mixer.worker")

PRELOADED = (
    "appsrc",
    "appsink",
    "udpsrc",
    "udpsink",
    "rtpbin",
    "rtpjitterbuffer",
    "rtpssrcdemux",
    "rtpptdemux",
    "funnel",
    "srtpenc",
    "srtpdec",
    "rtprtxsend",
    "rtprtxreceive",
    "rtphdrexttwcc",
    "errorignore",
    "valve",
    "fakesink",
    "capsfilter",
    "audioconvert",
    "audioresample",
    "opusenc",
    "opusdec",
    "rtpopuspay",
    "rtpopusdepay",
    "avenc_g722",
    "avdec_g722",
    "rtpg722pay",
    "rtpg722depay",
    "alawenc",
    "alawdec",
    "rtppcmapay",
    "rtppcmadepay",
    "mulawenc",
    "mulawdec",
    "rtppcmupay",
    "rtppcmudepay",
    "avdec_h264",
    "h264parse",
    "rtph264pay",
    "rtph264depay",
    "vp8enc",
    "vp8dec",
    "rtpvp8pay",
    "rtpvp8depay",
    "matroskamux",
    "fdsink",
    "queue",
)
"""Every element a room may need: loaded before rights are given up, and what is missing is found before a call is."""

T = TypeVar("T")

PR_SET_NAME = 15
_libc = ctypes.CDLL(None)

_zero = time.monotonic_ns()


def load() -> str:
    """Load the engine and all plugins a room needs; gives its name and version, raises `EngineError`.

    One of each element is made and dropped: the binding makes a class for each kind when it meets the first, and broke
    where threads of two streams met theirs at once.
    """
    Gst.init(None)
    registry = Gst.Registry.get()
    missing = [name for name in PRELOADED if not Gst.ElementFactory.find(name)]
    if missing:
        raise EngineError(
            f"GStreamer has no {', '.join(missing)}: install its plugins (tools/setup names the packages)"
        )
    for name in PRELOADED:
        registry.find_feature(name, Gst.ElementFactory.__gtype__).load()
        Gst.ElementFactory.make(name)
    return str(Gst.version_string())


def name_thread(name: str) -> None:
    """Name this thread as `top -H` and the benchmark show it; 15 characters at most."""
    _libc.prctl(PR_SET_NAME, name.encode()[:15], 0, 0, 0)


def give_back() -> None:
    """Give the system the memory that nobody uses: what has come and gone leaves much of it between what stays."""
    _libc.malloc_trim(0)


def now() -> int:
    """Nanoseconds since the zero of all pipelines."""
    return time.monotonic_ns() - _zero


def element(kind: str, **properties: object) -> Gst.Element:
    """Make an element; strings are read as its properties write them, and `async_` is `async`."""
    made = Gst.ElementFactory.make(kind)
    if made is None:
        raise EngineError(f"GStreamer has no element {kind}")
    for name, value in properties.items():
        if isinstance(value, str):
            Gst.util_set_object_arg(made, _property(name), value)
        else:
            made.set_property(_property(name), value)
    return made


def entry(first: Gst.Element, name: str, caps: Gst.Caps) -> Gst.Pad:
    """Give a pad that brings buffers of a form to a running element, in the thread that pushes them."""
    pad = Gst.Pad.new(name, Gst.PadDirection.SRC)
    pad.set_active(True)
    if pad.link(first.get_static_pad("sink")) != Gst.PadLinkReturn.OK:
        raise EngineError(f"{first.get_name()} takes nothing from {name}")
    segment = Gst.Segment()
    segment.init(Gst.Format.TIME)
    for event in (Gst.Event.new_stream_start(name), Gst.Event.new_caps(caps), Gst.Event.new_segment(segment)):
        pad.push_event(event)
    return pad


def live_source(waiting: int, **properties: object) -> Gst.Element:
    """Make a source for buffers that come as they are made; of more than so many that wait, the oldest go."""
    return element(
        "appsrc",
        format="time",
        is_live=True,
        block=False,
        max_buffers=waiting,
        max_bytes=0,
        leaky_type="downstream",
        **properties,
    )


def _property(name: str) -> str:
    return name.rstrip("_").replace("_", "-")


def field_of(structure: Gst.Structure, name: str, default: T) -> T:
    """Read a field of a structure, which may lack it."""
    if structure is None or not structure.has_field(name):
        return default
    value: T = structure.get_value(name)
    return value


class Pipeline:
    """Elements that run together; `broken` is called once, in the main loop, when one of them gives up."""

    def __init__(self, name: str, broken: Callable[[str], None]) -> None:
        self._bin = Gst.Pipeline.new(name)
        self._bin.use_clock(Gst.SystemClock.obtain())
        self._bin.set_start_time(Gst.CLOCK_TIME_NONE)
        self._bin.set_base_time(_zero)
        self._bus = self._bin.get_bus()
        self._bus.add_signal_watch()
        self._broken: Callable[[str], None] | None = broken
        self.eos: Callable[[], None] | None = None
        self._hooks: list[tuple[Gst.Object, Callable[[], None]]] = []
        self.on(self._bus, "message::error", self._error)
        self.on(self._bus, "message::eos", self._ended)

    def on(self, source: Gst.Object, signal: str, handler: Callable[..., object]) -> None:
        """Have a handler called until `close`: what holds a handler for longer is never freed."""
        self._hooks.append((source, partial(source.disconnect, source.connect(signal, handler))))

    def probe(self, pad: Gst.Pad, kind: Gst.PadProbeType, handler: Callable[..., object]) -> Callable[[], None]:
        """Look at what passes a pad, until `close`, or until what this gives is called."""
        hook = (pad.get_parent(), partial(pad.remove_probe, pad.add_probe(kind, handler)))
        self._hooks.append(hook)

        def remove() -> None:
            if hook in self._hooks:
                self._hooks.remove(hook)
                hook[1]()

        return remove

    def add(self, *chain: Gst.Element) -> Gst.Element:
        """Put elements in and link them in this order; gives the last."""
        for one in chain:
            self._bin.add(one)
        for left, right in pairwise(chain):
            if not left.link(right):
                raise EngineError(f"{left.get_name()} cannot be linked to {right.get_name()}")
        return chain[-1]

    def grow(self, *chain: Gst.Element) -> Gst.Element:
        """Put elements into a running pipeline, the last of them running first; gives the first."""
        self.add(*chain)
        for one in reversed(chain):
            one.sync_state_with_parent()
        return chain[0]

    def shrink(self, chain: Sequence[Gst.Element]) -> None:
        """Take elements out of a running pipeline, and whatever was called for them."""
        for one in chain:
            one.set_locked_state(True)
            one.set_state(Gst.State.NULL)
        mine = [hook for hook in self._hooks if hook[0] in chain]
        for hook in mine:
            hook[1]()
            self._hooks.remove(hook)
        for one in chain:
            self._bin.remove(one)

    def play(self) -> None:
        """Start; sinks come first, sources last."""
        if self._bin.set_state(Gst.State.PLAYING) == Gst.StateChangeReturn.FAILURE:
            raise EngineError(f"pipeline {self._bin.get_name()} will not start")

    def close(self) -> None:
        """Stop and free everything; nothing is called afterwards."""
        self._broken = None
        self.eos = None
        self._bus.remove_signal_watch()
        self._free()

    def end(self) -> None:
        """Tell the sources that nothing more comes."""
        self._bin.send_event(Gst.Event.new_eos())

    def finish(self, seconds: float) -> None:
        """Wait until everything has come through after `end`, as long as that, and close."""
        self._bus.remove_signal_watch()
        kinds = Gst.MessageType.EOS | Gst.MessageType.ERROR
        self._bus.timed_pop_filtered(int(seconds * Gst.SECOND), kinds)
        self._free()

    def _free(self) -> None:
        self._bin.set_state(Gst.State.NULL)
        for _, unhook in self._hooks:
            unhook()
        self._hooks.clear()

    def _ended(self, _bus: Gst.Bus, _message: Gst.Message) -> None:
        if self.eos is not None:
            self.eos()

    def _error(self, _bus: Gst.Bus, message: Gst.Message) -> None:
        error, detail = message.parse_error()
        where = message.src.get_name()
        log.warning("pipeline.broken pipeline=%s element=%s error=%r", self._bin.get_name(), where, error.message)
        log.debug("pipeline.detail %s", detail)
        broken, self._broken = self._broken, None
        if broken is not None:
            broken(f"{where}: {error.message}")
