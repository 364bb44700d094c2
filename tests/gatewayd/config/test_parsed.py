from __future__ import annotations

import pytest

from gatewayd.config import parsed
from gatewayd.config.parsed import Parsed
from gatewayd.config.whole import Source
from vdx.site import SiteError
from vdx.site.source import Text, read


def test_what_was_read_is_not_read_again_while_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def counted(text: bytes, name: str) -> Text:
        done.append(name)
        return read(text, name)

    monkeypatch.setattr(parsed, "read", counted)
    cache = Parsed(most=10)
    one, two, three = (Source(name, name, f"a: {name}".encode()) for name in ("x", "y", "z"))
    for source in (one, two, one, three, one, two):
        assert cache.read(source).data == {"a": source.name}
    assert done == ["x", "y", "z", "y"]
    assert cache.read(Source("w", "w", b"a: something longer")).data == {"a": "something longer"}
    with pytest.raises(SiteError):
        cache.read(Source("v", "v", b"["))
