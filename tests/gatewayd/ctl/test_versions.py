from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from gatewayd.ctl import main, shown
from tests.gatewayd.config.bench import Bench, limited
from vdx import wire
from vdx.control import AdminServerCodec, FromGatewayd, ToGatewayd
from vdx.versions import (
    AboutVersions,
    Applied,
    Approval,
    Candidate,
    Checked,
    CutInfo,
    Differences,
    Finding,
    FragmentState,
    Frozen,
    PathChange,
    SituationReport,
    Waiting,
)

REF = "0123456789ab" + "c" * 52
NOW = 1_800_000_000.0


@pytest.fixture
def ctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Give gatewayctl beside an appliance whose versions are kept in this process."""
    monkeypatch.setenv("SUDO_USER", "anna")
    bench = Bench(tmp_path / "appliance")

    def run(*arguments: str) -> int:
        async def scenario() -> int:
            if bench.keeper.merged is None:
                await bench.start()

            async def visit(connection: wire.Connection[ToGatewayd]) -> None:
                async for request in connection:
                    assert isinstance(request, AboutVersions)
                    connection.send(await bench.ask(request, local=True))

            server = await wire.serve(tmp_path / "admin.sock", AdminServerCodec, visit, mode=0o600)
            status: list[int] = []
            caller = threading.Thread(target=lambda: status.append(main(["--run-dir", str(tmp_path), *arguments])))
            caller.start()
            await asyncio.to_thread(caller.join)
            server.close()
            return status[0]

        return asyncio.run(scenario())

    return run


def test_the_whole_cycle(ctl: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = tmp_path / "new.yaml"
    new.write_text(limited(4))
    assert ctl("push", str(new), "--why", "more calls") == 0
    ref = capsys.readouterr().out.split()[0]
    assert ctl("check", ref) == 0
    assert f"{ref} can be applied" in capsys.readouterr().out
    assert ctl("diff", ref) == 0
    assert "limits.calls: was 3, is 4" in capsys.readouterr().out
    assert ctl("apply", ref, "--confirm-within", "60") == 0
    assert capsys.readouterr().out.startswith("version 2 runs; confirm it within ")
    assert ctl("confirm") == 0
    assert ctl("confirm") == 1
    assert "no version waits" in capsys.readouterr().err
    assert ctl("history") == 0
    assert "anna as root" in capsys.readouterr().out
    assert ctl("freeze", "holiday") == 0
    assert ctl("rollback", "1", "--no-confirm") == 1
    assert "changes are frozen" in capsys.readouterr().err
    assert ctl("rollback", "1", "--no-confirm", "--break-glass", "--why", "fire") == 0
    assert ctl("journal", "verify") == 0
    assert "every line follows the one before it" in capsys.readouterr().out


def test_the_fragment_of_an_organisation(
    ctl: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    part = tmp_path / "north.yaml"
    (tmp_path / "pcs.txt").write_text("10.20.3.0/24\n")
    part.write_text("agreements: {clients: {north.pcs: {zone: sdn, files: [pcs.txt]}}}\n")
    assert ctl("check", str(part), "--organisation", "north") == 0
    assert ctl("apply", str(part), "--organisation", "north", "--no-confirm") == 0
    part.write_text("agreements: {clients: {south.pcs: {zone: sdn}}}\n")
    assert ctl("check", str(part), "--organisation", "north") == 1
    assert "names here are 'north'" in capsys.readouterr().out
    assert ctl("--json", "apply", str(part), "--organisation", "north", "--expected", "0" * 64) == 1
    assert msgspec.json.decode(capsys.readouterr().out)["code"] == "conflict"


def test_a_candidate_that_is_not_there(ctl: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert ctl("diff", "0123456789ab") == 2
    assert "0 candidates begin with 0123456789ab" in capsys.readouterr().err


def test_a_copy_of_the_journal_is_verified_without_gatewayd(
    ctl: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ctl("freeze", "holiday") == 0
    assert ctl("unfreeze") == 0
    copy = tmp_path / "copy"
    content = (tmp_path / "appliance/versions/journal").read_bytes()
    copy.write_bytes(content)
    assert main(["journal", "verify", "--file", str(copy)]) == 0
    copy.write_bytes(content.replace(b"holiday", b"workday"))
    assert main(["journal", "verify", "--file", str(copy)]) == 1
    assert "line 4 does not follow the one before it" in capsys.readouterr().err
    assert main(["journal", "verify", "--file", str(tmp_path / "none")]) == 2


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (Applied(1, 8, REF, at=NOW), "it will be applied at 2027-01-15 08:00:00 UTC"),
        (Applied(1, 8, REF, changed=False), "version 8 has this content already: nothing was done"),
        (Candidate(1, REF, "base", "scheduled", "bo", "", NOW, at=NOW), "to be applied at 2027-01-15 08:00:00 UTC"),
        (
            Candidate(1, REF, "base", "candidate", "bo", "", NOW, None, (Approval("anna", NOW, ("mgmt",)),)),
            "approved by anna for mgmt",
        ),
        (Checked(1, REF, ("x.yaml:1: wrong",)), "x.yaml:1: wrong"),
        (Checked(1, REF, (), (Finding("warning", "c", "x.yaml:1: odd"),), ("frozen",)), "held up: frozen"),
        (Differences(1), "nothing would change"),
        (Differences(1, (PathChange("opened", "sdn", "core", "x"),), left_out=3), "... and 3 lines more"),
    ],
)
def test_answers_in_words(answer: FromGatewayd, line: str) -> None:
    assert line in shown.text(answer, NOW)


def test_the_situation_in_words() -> None:
    report = SituationReport(
        1, NOW, 8, REF, (FragmentState("base", REF, 8),), (Waiting(8, ("base",), "bo", 90.0),), (),
        Frozen("anna", "holiday", NOW, NOW + 60), False, (CutInfo("peer", "north", "anna", "stolen", NOW, 9),),
        ("no space",),
    )  # fmt: skip
    assert shown.text(report, NOW).splitlines() == [
        "version 8 runs (0123456789ab)",
        f"    base: {REF} of version 8",
        "version 8 of bo waits to be confirmed (base), 1:30 left",
        "changes are frozen until 2027-01-15 08:01:00 UTC by anna: holiday",
        "this is no change window",
        "peer north is cut off since 2027-01-15 08:00:00 UTC by anna: stolen",
        "alarm: no space",
    ]
