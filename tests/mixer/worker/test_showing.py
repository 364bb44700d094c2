"""An encoder that fails is replaced by another."""

from __future__ import annotations

from mixer.wire import Format
from mixer.worker.adaptation import Send
from mixer.worker.engine import load
from mixer.worker.showing import Showing

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
