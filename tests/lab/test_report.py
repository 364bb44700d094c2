"""The table of a call."""

from dataclasses import replace

from lab.call import CallReport
from lab.edge import StreamCount
from lab.report import to_text, traffic
from lab.topology import STANDARD

AUDIO = StreamCount("audio", "opus/48000/2", "kernel", 501, 62_000, 498, 61_400)
VIDEO = StreamCount("video", "H264/90000", "kernel", 1310, 1_250_000, 1305, 1_240_000)
REPORT = CallReport("hospital", "home", "sip:home@198.18.0.10", 0.213, 10.0, (AUDIO, VIDEO), 243, 241)

GOLDEN = """\
hospital (a hospital on the private health network) called home (a citizen at home, behind NAT)
by dialling sip:home@198.18.0.10
answered after 213 ms, 10 s in the call

  stream   codec          hospital -> home        home -> hospital        relayed by
  ------   ------------   ---------------------   ---------------------   ----------
  audio    opus/48000/2   501 packets, 62 kB      498 packets, 61 kB      kernel
  video    H264/90000     1,310 packets, 1.2 MB   1,305 packets, 1.2 MB   kernel

pictures decoded: 241 at home, 243 at hospital
Every stream carried media both ways, as the kernel counted it."""


def test_a_good_call_reads_well() -> None:
    assert to_text(REPORT, STANDARD) == GOLDEN


def test_a_silent_stream_is_named() -> None:
    silent = replace(REPORT, streams=(AUDIO, replace(VIDEO, packets_from_callee=0, octets_from_callee=0)))
    assert not silent.carried
    text = to_text(silent, STANDARD)
    assert text.endswith("Carried nothing in at least one direction: video.")
    assert "nothing" in text


def test_a_call_without_streams_carried_nothing() -> None:
    empty = replace(REPORT, streams=())
    assert not empty.carried
    assert to_text(empty, STANDARD).endswith("The edge relayed no stream at all.")


def test_amounts() -> None:
    assert traffic(0, 0) == "nothing"
    assert traffic(1, 999_999) == "1 packets, 1000 kB"


def test_an_ipv6_party_is_said_to_be_one() -> None:
    text = to_text(replace(REPORT, callee="home6"), STANDARD)
    assert "called home6 (a citizen at home, behind NAT over IPv6)" in text
    assert "hospital -> home6" in text
