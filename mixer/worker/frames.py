"""Pictures in memory: scaled copies into part of a frame, by the media engine's own converter.

The engine's element for composing is built around streams, and waits for each of them. Here a picture is composed
whenever one is due, from whatever each source showed last: one converter a rectangle, straight into the frame. The
converter has no binding for Python, so this module alone calls C by hand; what it is given comes from the engine
itself, never from the network.
"""

from __future__ import annotations

import ctypes
from collections import OrderedDict
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mixer.worker.engine import Gst, GstVideo

Plane = NDArray[np.uint8]

CONVERTERS = 256
"""Converters kept: 25 rectangles of ten views; a sender who changes his size all the time costs no memory."""

STEP = 8
"""Frames are so many pixels wide, or a multiple: then no plane has a row with padding."""

INFO_OCTETS = 1024
FRAME_OCTETS = 4096
"""More than `GstVideoInfo` (180) and `GstVideoFrame` (700) take on any platform, their reserve included."""

_READ, _WRITE = 1, 2

_video = ctypes.CDLL("libgstvideo-1.0.so.0")
_core = ctypes.CDLL("libgstreamer-1.0.so.0")
_video.gst_video_info_from_caps.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
_video.gst_video_frame_map.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int]
_video.gst_video_frame_unmap.argtypes = [ctypes.c_void_p]
_video.gst_video_frame_unmap.restype = None
_video.gst_video_converter_new.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
_video.gst_video_converter_new.restype = ctypes.c_void_p
_video.gst_video_converter_frame.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
_video.gst_video_converter_frame.restype = None
_video.gst_video_converter_free.argtypes = [ctypes.c_void_p]
_video.gst_video_converter_free.restype = None
_core.gst_structure_from_string.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
_core.gst_structure_from_string.restype = ctypes.c_void_p
_core.gst_buffer_map.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int]
_core.gst_buffer_unmap.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
_core.gst_buffer_unmap.restype = None

for _enum in (GstVideo.VideoResamplerMethod, GstVideo.VideoMatrixMode):
    _ = _enum.__gtype__.name  # the engine reads an enumeration's words only once it knows the enumeration


class Rect(NamedTuple):
    """Pixels of a frame, all of them even."""

    x: int
    y: int
    width: int
    height: int


class _MapInfo(ctypes.Structure):
    """`GstMapInfo`."""

    _fields_ = (
        ("memory", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("data", ctypes.c_void_p),
        ("size", ctypes.c_size_t),
        ("maxsize", ctypes.c_size_t),
        ("reserved", ctypes.c_void_p * 8),
    )


class Picture(NamedTuple):
    """A decoded picture and what it is: `shape` tells pictures apart that need different converters."""

    sample: Gst.Sample
    caps: Gst.Caps
    shape: str
    width: int
    height: int
    aspect: float
    """Width by height as it should be seen: pixels of some systems are not square."""


def picture(sample: Gst.Sample, before: Picture | None = None) -> Picture:
    """Describe a decoded picture; nearly always all but its pixels is as it was `before`."""
    caps = sample.get_caps()
    if before is not None and hash(caps) == hash(before.caps):  # by address, which is taken as long as `before` lives
        return before._replace(sample=sample)
    structure = caps.get_structure(0)
    wide, high = structure.get_value("width"), structure.get_value("height")
    _, numerator, denominator = structure.get_fraction("pixel-aspect-ratio")
    square = numerator / denominator if numerator > 0 and denominator > 0 else 1.0
    still = caps.copy()
    still.set_value("framerate", Gst.Fraction(0, 1))  # a converter wants the same one on both sides
    return Picture(sample, caps, str(still.to_string()), wide, high, square * wide / high)


def raw_caps(width: int, height: int, fps: int = 0) -> Gst.Caps:
    """Give the form in which pictures are composed."""
    return Gst.Caps.from_string(
        f"video/x-raw,format=I420,width={width},height={height},framerate={fps}/1,pixel-aspect-ratio=1/1"
    )


class Canvas:
    """Make frames of one size; not for two threads at once."""

    def __init__(self, width: int, height: int) -> None:
        if width % STEP or height % 2:
            raise ValueError(f"a frame of {width} by {height} pixels has rows with padding")
        self.width, self.height = width, height
        self.caps = raw_caps(width, height)
        self._info = _info(self.caps)
        self._octets = width * height * 3 // 2
        self._pool = GstVideo.VideoBufferPool.new()
        config = self._pool.get_config()
        Gst.BufferPool.config_set_params(config, self.caps, self._octets, 2, 0)
        self._pool.set_config(config)
        self._pool.set_active(True)
        self._converters: OrderedDict[tuple[str, Rect], tuple[ctypes.Array[ctypes.c_char], int]] = OrderedDict()
        self._to = ctypes.create_string_buffer(FRAME_OCTETS)
        self._from = ctypes.create_string_buffer(FRAME_OCTETS)

    def blank(self) -> Gst.Buffer:
        """Give a black frame."""
        _, buffer = self._pool.acquire_buffer(None)
        luma = self.width * self.height
        with Octets(buffer, self._octets, write=True) as address:
            ctypes.memset(address, 16, luma)
            ctypes.memset(address + luma, 128, self._octets - luma)
        return buffer

    def draw(self, frame: Gst.Buffer, shown: Picture, rect: Rect) -> None:
        """Scale a picture into a rectangle that lies inside the frame; one that cannot be read leaves it as it was."""
        key = (shown.shape, rect)
        found = self._converters.get(key)
        if found is None:
            found = self._converters[key] = self._converter(shown.shape, rect)
            if len(self._converters) > CONVERTERS:
                _, (_, old) = self._converters.popitem(last=False)
                _video.gst_video_converter_free(old)
        else:
            self._converters.move_to_end(key)
        info, converter = found
        source = shown.sample.get_buffer()
        if not converter or not _video.gst_video_frame_map(self._from, info, hash(source), _READ):
            return
        if _video.gst_video_frame_map(self._to, self._info, hash(frame), _WRITE):
            _video.gst_video_converter_frame(converter, self._from, self._to)
            _video.gst_video_frame_unmap(self._to)
        _video.gst_video_frame_unmap(self._from)

    def planes(self, frame: Gst.Buffer) -> _Planes:
        """Open a frame for writing: `with canvas.planes(frame) as (y, u, v)`."""
        return _Planes(frame, self.width, self.height)

    def close(self) -> None:
        """Free everything."""
        for _, converter in self._converters.values():
            _video.gst_video_converter_free(converter)
        self._converters.clear()
        self._pool.set_active(False)

    def _converter(self, shape: str, rect: Rect) -> tuple[ctypes.Array[ctypes.c_char], int]:
        info = _info(Gst.Caps.from_string(shape))
        options = (
            "c, GstVideoConverter.resampler-method=(GstVideoResamplerMethod)linear, "
            "GstVideoConverter.chroma-resampler-method=(GstVideoResamplerMethod)linear, "
            "GstVideoConverter.matrix-mode=(GstVideoMatrixMode)none, "
            f"GstVideoConverter.dest-x=(int){rect.x}, GstVideoConverter.dest-y=(int){rect.y}, "
            f"GstVideoConverter.dest-width=(int){rect.width}, GstVideoConverter.dest-height=(int){rect.height}, "
            "GstVideoConverter.fill-border=(boolean)false, GstVideoConverter.threads=(uint)1"
        )
        config = _core.gst_structure_from_string(options.encode(), None)
        return info, _video.gst_video_converter_new(info, self._info, config) or 0


def _info(caps: Gst.Caps) -> ctypes.Array[ctypes.c_char]:
    info = ctypes.create_string_buffer(INFO_OCTETS)
    if not _video.gst_video_info_from_caps(info, hash(caps)):
        raise ValueError(f"not a picture: {caps.to_string()}")
    return info


class Octets:
    """The octets of a buffer, at an address, to be read or written."""

    def __init__(self, buffer: Gst.Buffer, octets: int, *, write: bool) -> None:
        self._buffer, self._octets, self._map = buffer, octets, _MapInfo()
        self._flags = _WRITE if write else _READ

    def __enter__(self) -> int:
        if not _core.gst_buffer_map(hash(self._buffer), ctypes.byref(self._map), self._flags):
            raise MemoryError("a frame cannot be mapped")
        if self._map.size < self._octets:
            self.__exit__()
            raise MemoryError(f"a frame has {self._map.size} octets, not {self._octets}")
        return int(self._map.data)

    def __exit__(self, *_: object) -> None:
        _core.gst_buffer_unmap(hash(self._buffer), ctypes.byref(self._map))


class _Planes:
    """The three planes of a frame, to be written."""

    def __init__(self, buffer: Gst.Buffer, width: int, height: int) -> None:
        self._count = width * height * 3 // 2
        self._octets = Octets(buffer, self._count, write=True)
        self._width, self._height = width, height

    def __enter__(self) -> tuple[Plane, Plane, Plane]:
        octets = _array(self._octets.__enter__(), self._count)
        luma, chroma = self._width * self._height, self._width * self._height // 4
        half = (self._height // 2, self._width // 2)
        return (
            octets[:luma].reshape(self._height, self._width),
            octets[luma : luma + chroma].reshape(half),
            octets[luma + chroma :].reshape(half),
        )

    def __exit__(self, *_: object) -> None:
        self._octets.__exit__()


def _array(address: int, octets: int) -> Plane:
    return np.ctypeslib.as_array(ctypes.cast(address, ctypes.POINTER(ctypes.c_uint8)), (octets,))
