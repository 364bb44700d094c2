"""H.264 by libx264 itself, a picture at a time, each with its quantiser.

The engine's element for it lets the library find quantisers, for which that looks at every picture twice: a third of
the whole cost of encoding. Called by hand, as the converter in `frames` is; what it is given comes from there.
"""

from __future__ import annotations

import ctypes

from mixer.worker.adaptation import Send
from mixer.worker.engine import Gst
from mixer.worker.errors import EngineError
from mixer.worker.frames import Octets
from mixer.worker.quantiser import COARSEST, FINEST

BUILD = 164
"""Of the library (Debian 12 and 13): its structures are those of this build."""
PARAM_OCTETS, PICTURE_OCTETS = 2048, 512
"""Room for `x264_param_t` (1024) and `x264_picture_t` (240), more than they take."""
_I420, _AUTO, _IDR = 2, 0, 1


class _Param(ctypes.Structure):
    """The beginning of `x264_param_t`; what follows is set by name."""

    _fields_ = (
        ("cpu", ctypes.c_uint32),
        ("threading", ctypes.c_int * 6),
        ("width", ctypes.c_int),
        ("height", ctypes.c_int),
        ("csp", ctypes.c_int),
        ("more", ctypes.c_char * PARAM_OCTETS),
    )


class _Picture(ctypes.Structure):
    """The beginning of `x264_picture_t`, with its `x264_image_t`."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("quantiser_plus_1", ctypes.c_int),
        ("structure", ctypes.c_int),
        ("key", ctypes.c_int),
        ("pts", ctypes.c_int64),
        ("dts", ctypes.c_int64),
        ("param", ctypes.c_void_p),
        ("csp", ctypes.c_int),
        ("planes", ctypes.c_int),
        ("stride", ctypes.c_int * 4),
        ("plane", ctypes.c_void_p * 4),
        ("more", ctypes.c_char * PICTURE_OCTETS),
    )


class _Nal(ctypes.Structure):
    """`x264_nal_t`."""

    _fields_ = (
        ("header", ctypes.c_int * 5),
        ("size", ctypes.c_int),
        ("octets", ctypes.c_void_p),
        ("padding", ctypes.c_int),
    )


try:
    _x264 = ctypes.CDLL(f"libx264.so.{BUILD}")
except OSError as _error:
    raise EngineError(f"libx264.so.{BUILD} is missing: install the package libx264-{BUILD}") from _error
_open = _x264[f"x264_encoder_open_{BUILD}"]
_open.argtypes, _open.restype = [ctypes.c_void_p], ctypes.c_void_p
_x264.x264_param_default_preset.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p]
_x264.x264_param_parse.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p]
_x264.x264_param_apply_profile.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
_x264.x264_picture_init.argtypes = [ctypes.c_void_p]
_x264.x264_encoder_encode.argtypes = [ctypes.c_void_p] * 5
_x264.x264_encoder_close.argtypes = [ctypes.c_void_p]
_x264.x264_encoder_close.restype = None


class Coder:
    """One stream of pictures of one size, constrained baseline, which decoders of every profile read."""

    def __init__(self, send: Send, *, slice_octets: int, key_every: int) -> None:
        """`slice_octets` is the most of a slice, 0: a picture is one; `key_every` is how often a key comes."""
        param = _Param()
        address = ctypes.addressof(param)
        _x264.x264_param_default_preset(address, b"ultrafast", b"zerolatency")
        param.width, param.height, param.csp = send.width, send.height, _I420
        chosen = {
            "threads": 1,
            "sliced-threads": 0,
            "fps": send.fps,
            "keyint": key_every,
            "qp": FINEST,
            "ipratio": 2 ** ((FINEST - 1 - COARSEST) / 6),  # what is asked for is kept between those of all kinds
            "pbratio": 1,
            "annexb": 1,
            "repeat-headers": 1,
            "slice-max-size": slice_octets,
            "log": -1,
        }
        for name, value in chosen.items():
            if _x264.x264_param_parse(address, name.encode(), str(value).encode()):
                raise EngineError(f"libx264 has no setting {name}={value}")
        _x264.x264_param_apply_profile(address, b"baseline")
        self._encoder = _open(address)
        if not self._encoder:
            raise EngineError(f"libx264 encodes no pictures of {send.width} by {send.height}")
        self._octets = send.width * send.height * 3 // 2
        self._in, self._out = _Picture(), _Picture()
        _x264.x264_picture_init(ctypes.addressof(self._in))
        self._in.csp, self._in.planes = _I420, 3
        self._in.stride[0] = send.width
        self._in.stride[1] = self._in.stride[2] = send.width // 2
        self._places = 0, send.width * send.height, send.width * send.height * 5 // 4
        self._nals, self._count = ctypes.POINTER(_Nal)(), ctypes.c_int()

    def encode(self, frame: Gst.Buffer, quantiser: int, *, key: bool) -> bytes:
        """Give a picture (H.264, annex B), a key picture with its parameter sets; raises `EngineError`."""
        picture = self._in
        picture.type, picture.quantiser_plus_1 = _IDR if key else _AUTO, quantiser + 1
        picture.pts += 1
        with Octets(frame, self._octets, write=False) as address:
            for number, place in enumerate(self._places):
                picture.plane[number] = address + place
            size = _x264.x264_encoder_encode(
                self._encoder,
                ctypes.addressof(self._nals),
                ctypes.addressof(self._count),
                ctypes.addressof(picture),
                ctypes.addressof(self._out),
            )
        if size <= 0:
            raise EngineError("libx264 made nothing of a picture")
        return ctypes.string_at(self._nals[0].octets, size)

    @property
    def key(self) -> bool:
        """Whether the last picture was a key picture."""
        return bool(self._out.key)

    def close(self) -> None:
        """Free everything."""
        _x264.x264_encoder_close(self._encoder)
