"""An encoder that fails is replaced by another; who waits for a key picture asks until it comes."""

from __future__ import annotations

from mixer.wire import Address, Format, Stream
from mixer.worker.adaptation import Send
from mixer.worker.engine import Gst, load
from mixer.worker.showing import Showing
from mixer.worker.sight import Eyes, VideoStream
from mixer.worker.transport import Sockets
from tests.mixer.worker.world import bound

SEND = Send(192, 320, 180, 15)


def test_who_listened_to_an_encoder_that_failed_gets_another() -> None:
    load()
    showing = Showing(15, lambda _who, _what: None)
    try:
        one = showing.encoder("all", Format("h264", 96), SEND)
        assert showing.encoder("all", Format("h264", 97, profile="high"), SEND) is one
        assert not showing.failed()
        showing._failed(("all", Format("h264", 0), SEND))
        assert showing.failed()
        assert not showing.failed()
        assert showing.encoder("all", Format("h264", 96), SEND) is not one
    finally:
        showing.close()


class PaperEncoder:
    def __init__(self) -> None:
        self.asked = 0
        self.caps = Gst.Caps.from_string("video/x-h264")
        self.send = SEND

    def ask(self) -> None:
        self.asked += 1


def test_who_missed_a_key_picture_asks_again_until_one_comes() -> None:
    load()
    form, encoder = Format("h264", 96), PaperEncoder()
    sockets = Sockets(bound(), bound())
    told = Stream("video", remote=Address("127.0.0.1", 9), receive=(form,), send=form)
    stream = VideoStream("anna", told, sockets, Eyes(lambda: None, lambda: None, lambda _reason: None))
    try:
        stream.watch(encoder, instead=True)
        stream.encoded(encoder, Gst.Buffer.new(), key=False)  # the key picture before it came too early
        for _ in range(3):
            stream.tick()
        assert encoder.asked == 4
        stream.encoded(encoder, Gst.Buffer.new(), key=True)
        stream.tick()
        assert encoder.asked == 4
        assert stream.encoder is encoder
    finally:
        stream.close()
        sockets.close()
