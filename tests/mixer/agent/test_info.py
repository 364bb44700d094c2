"""What INFO may mean, and what it may not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixer.agent.info import FAST_UPDATE, MEDIA_CONTROL, Digit, FastUpdate, read


@pytest.mark.parametrize(
    ("content_type", "body", "meant"),
    [
        ("application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n", Digit("5")),
        ("application/dtmf-relay", b"Signal= #\r\nDuration= 160", Digit("#")),
        ("application/dtmf", b"*\r\n", Digit("*")),
        ("application/dtmf", b"12", None),
        (MEDIA_CONTROL, FAST_UPDATE, FastUpdate()),
        (MEDIA_CONTROL, b"<media_control/>", None),
        ("text/plain", b"Signal=5", None),
    ],
)
def test_bodies_mean_what_they_say(content_type: str, body: bytes, meant: object) -> None:
    assert read(content_type, body) == meant


@given(st.sampled_from([MEDIA_CONTROL, "application/dtmf", "application/dtmf-relay"]), st.binary(max_size=3000))
def test_octets_of_strangers_mean_a_key_a_picture_or_nothing(content_type: str, body: bytes) -> None:
    meant = read(content_type, body)
    assert meant is None or isinstance(meant, Digit | FastUpdate)
