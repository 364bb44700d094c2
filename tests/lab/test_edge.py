"""Calls and leases of the edge joined stream by stream."""

from typing import Any

from lab.edge import join, serving

CALLER = {"zone": "sdn", "peer": "hospital", "address": "198.18.1.10", "party": "sip:a", "state": "up"}
CALLEE = {"zone": "internet", "peer": "home", "address": "198.51.100.130", "party": "sip:b", "state": "up"}


def _lease(lease: str, a: dict[str, Any], b: dict[str, Any], relay: str = "kernel") -> dict[str, Any]:
    return {"lease": lease, "relay": relay, "usage": {"lease": lease, "a": a, "b": b}}


def _call(*streams: dict[str, str], callee: dict[str, str] | None = CALLEE) -> dict[str, Any]:
    return {"call": "x", "state": "up", "caller": CALLER, "callee": callee, "setup": 0.2, "streams": list(streams)}


AUDIO = {"lease": "x.0", "medium": "audio", "codec": "opus/48000/2", "direction": "sendrecv"}
VIDEO = {"lease": "x.1", "medium": "video", "codec": "H264/90000", "direction": "sendrecv"}


def test_each_stream_gets_the_counters_of_its_lease() -> None:
    leases = [
        _lease("x.1", {"packets": 3, "octets": 30}, {"packets": 4, "octets": 40}, relay="mediad"),
        _lease("x.0", {"packets": 1, "octets": 10}, {"packets": 2, "octets": 20}),
        _lease("y.0", {"packets": 9, "octets": 90}, {"packets": 9, "octets": 90}),
    ]
    (call,) = join([_call(AUDIO, VIDEO)], leases)
    assert (call.caller, call.callee, call.setup) == ("hospital", "home", 0.2)
    audio, video = call.streams
    assert (audio.packets_from_caller, audio.octets_from_caller) == (1, 10)
    assert (audio.packets_from_callee, audio.octets_from_callee) == (2, 20)
    assert (video.medium, video.relay, video.packets_from_callee) == ("video", "mediad", 4)


def test_a_stream_carried_only_if_packets_came_from_both_sides() -> None:
    (call,) = join([_call(AUDIO)], [_lease("x.0", {"packets": 1}, {"packets": 1})])
    assert call.streams[0].carried
    (call,) = join([_call(AUDIO)], [_lease("x.0", {"packets": 1}, {})])
    assert not call.streams[0].carried


def test_a_stream_whose_lease_is_gone_is_left_out() -> None:
    (call,) = join([_call(AUDIO, VIDEO)], [_lease("x.0", {}, {})])
    assert [stream.medium for stream in call.streams] == ["audio"]


def test_a_call_that_has_no_callee_yet_is_listed() -> None:
    (call,) = join([_call(callee=None)], [])
    assert call.callee == ""


def _status(mediad: str = "connected", **others: str) -> dict[str, Any]:
    facts = {"mediad": mediad, "site version": "v2"}
    return {"facts": facts, "others": [{"program": name, "version": version} for name, version in others.items()]}


def test_an_edge_serves_when_its_programs_found_each_other() -> None:
    assert serving(_status(b2bua="v2"))
    assert not serving(_status(b2bua="v1"))
    assert not serving(_status())
    assert not serving(_status(mediad="away", b2bua="v2"))
    assert not serving({})
