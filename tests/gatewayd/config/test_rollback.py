"""Ways back to what ran: what they pass, and what they do not."""

from __future__ import annotations

from pathlib import Path

from msgspec import structs

from tests.gatewayd.config.bench import Bench, limited, run
from tests.gatewayd.config.sites import BASE_TEXT, NORTH, replaced
from vdx import versions
from vdx.proof import Difference, ProofReport
from vdx.versions import Applied, Principal

BO = Principal("bo")
PROVED = replaced(
    BASE_TEXT,
    ("management:\n", "management:\n  prove: true\n"),
    ("tcp: [443]}\npolicy:\n", "tcp: [443], approval: false}\npolicy:\n  tests: []\n"),
)
NORTH_FIRST = replaced(NORTH, (", files: [pcs.txt]", ""))
NORTH_SECOND = NORTH_FIRST.split("agreements:\n")[0]
FORBIDS = ("tests: []", 'tests: [{packet: "sdn 10.20.2.5 -> internet 203.0.113.1 tcp/443", expect: deny}]')


def part_back(root: Path, *base: tuple[str, str]) -> Bench:
    """Start an appliance that has had both parts of north, as versions 2 and 3, and then another base."""
    bench = Bench(root, PROVED)
    run(bench.start())
    for text in (NORTH_FIRST, NORTH_SECOND):
        assert isinstance(run(bench.apply(text, "bo", "north")), Applied)
    assert isinstance(run(bench.apply(replaced(PROVED, *base))), Applied)
    return bench


def refused_proof() -> ProofReport:
    return ProofReport("v", 1, 0.1, 1, (Difference("sdn 10.20.2.5 -> internet 203.0.113.1 ping", "allow", "drops"),))


def test_a_part_that_comes_back_is_tested_and_proved_with_the_rest(tmp_path: Path) -> None:
    bench = part_back(tmp_path, FORBIDS)
    for request in (
        versions.Rollback(1, 2, principal=BO),
        versions.Rollback(1, 2, "north", principal=Principal("anna")),
        versions.Rollback(1, 2, "north", why="fire", break_glass=True, principal=Principal("anna")),
    ):
        assert run(bench.ask(request)).code == "invalid"
    assert bench.keeper.state.running == 4


def test_a_part_that_comes_back_is_proved(tmp_path: Path) -> None:
    bench = part_back(tmp_path, ("{calls: 3,", "{calls: 4,"))
    bench.proofs.append(refused_proof())
    assert run(bench.ask(versions.Rollback(1, 2, principal=BO))).code == "invalid"
    assert bench.proofs == []
    assert isinstance(run(bench.ask(versions.Rollback(1, 2, principal=BO))), Applied)


def test_a_part_that_comes_back_needs_what_an_apply_needs(tmp_path: Path) -> None:
    bench = part_back(tmp_path, ("management:\n", "management:\n  approvers: {sdn: [carl]}\n"))
    back = versions.Rollback(1, 2, principal=BO)
    assert run(bench.ask(back)).code == "approval"
    pushed = run(bench.push(NORTH_FIRST, "bo", "north"))
    run(bench.ask(versions.Approve(1, pushed.ref, principal=Principal("carl"))))
    run(bench.ask(versions.Freeze(1, "holiday"), local=True))
    assert run(bench.ask(back)).code == "closed"
    run(bench.ask(versions.Unfreeze(1), local=True))
    assert isinstance(run(bench.ask(back)), Applied)


def test_a_whole_version_that_ran_comes_back_at_once_but_through_no_freeze(tmp_path: Path) -> None:
    bench = part_back(tmp_path, ("management:\n", "management:\n  approvers: {sdn: [carl]}\n"), FORBIDS)
    bench.proofs.append(refused_proof())
    back = versions.Rollback(1, 2, principal=Principal("anna"))
    run(bench.ask(versions.Freeze(1, "holiday"), local=True))
    assert run(bench.ask(back)).code == "closed"
    assert run(bench.ask(structs.replace(back, break_glass=True))).code == "forbidden"  # it does not say why
    assert isinstance(run(bench.ask(structs.replace(back, break_glass=True, why="fire"))), Applied)
    assert run(bench.ask(versions.History(1), local=True)).versions[0].break_glass
    assert len(bench.proofs) == 1


def test_a_version_that_was_taken_back_is_judged_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path, PROVED)
    run(bench.start())
    run(bench.apply(limited(4, PROVED), confirm_within=60))
    run(bench.ask(versions.TakeBack(1), local=True))
    bench.proofs.append(refused_proof())
    assert run(bench.ask(versions.Rollback(1, 2), local=True)).code == "invalid"
    assert bench.calls == 3
