from __future__ import annotations

import typing

import msgspec
import pytest

from vdx import versions
from vdx.control import AdminClientCodec, AdminServerCodec
from vdx.versions import (
    ApplyVersion,
    Candidate,
    Declined,
    Differences,
    PathChange,
    Principal,
    Push,
    SituationReport,
    Waiting,
)
from vdx.wire import WireError

REF = "0" * 64


@pytest.mark.parametrize(
    "request_",
    [
        Push(1, "hospital", "name: x\n", REF, {"nets.txt": "10.0.0.0/8\n"}, "new site", principal=Principal("bo")),
        ApplyVersion(2, REF, 120, why="for the new ward", break_glass=True),
    ],
)
def test_what_gatewayd_is_asked(request_: msgspec.Struct) -> None:
    assert AdminServerCodec.decode(AdminClientCodec.encode(request_)) == request_


@pytest.mark.parametrize(
    "answer",
    [
        Candidate(1, REF, "base", "candidate", "bo", "", 1.5),
        Differences(1, (PathChange("opened", "sdn", "core", "10.0.0.0/8"),), ("limits: calls 3, now 4",)),
        SituationReport(1, 2.0, 3, REF, (), (Waiting(3, ("base",), "bo", 119.5),)),
        Declined(1, "conflict", ("another version runs",), REF),
    ],
)
def test_what_gatewayd_answers(answer: msgspec.Struct) -> None:
    assert AdminClientCodec.decode(AdminServerCodec.encode(answer)) == answer


@pytest.mark.parametrize(
    "line",
    [
        b'{"op":"apply-version","id":1,"candidate":"../../etc/passwd"}',
        b'{"op":"confirm","id":1,"number":0}',
        b'{"op":"freeze","id":1,"why":"' + b"x" * 501 + b'"}',
        b'{"op":"situation","id":1,"principal":{"name":"bo","role":"root"}}',
        b'{"op":"apply-version","id":1,"candidate":"' + REF.encode() + b'","confirm_within":0}',
    ],
)
def test_what_is_out_of_bounds_never_arrives(line: bytes) -> None:
    with pytest.raises(WireError, match="message refused"):
        AdminServerCodec.decode(line)


def test_every_request_carries_who_asks() -> None:
    for request in typing.get_args(versions.AboutVersions):
        assert issubclass(request, versions.Asking), request
        assert "principal" in request.__struct_fields__


def test_every_code_has_a_status() -> None:
    assert set(versions.DECLINED_STATUS) == set(typing.get_args(versions.DeclineCode))
