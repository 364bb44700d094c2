from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from msgspec import structs

from tests.gatewayd.config.bench import NOON, Bench, limited, run
from tests.gatewayd.config.sites import BASE_TEXT, NORTH, replaced
from vdx import versions
from vdx.proof import Difference, ProofReport
from vdx.versions import Applied, Candidate, Checked, Declined, Principal, VersionList

NORTH_TEXT = replaced(NORTH, (", files: [pcs.txt]", ""))
SOUTH_TEXT = """\
agreements:
  services:
    south.archive: {zone: sdn, endpoints: [10.30.9.9/32], tcp: [104]}
policy:
  networks:
    south.secret: {zone: sdn, prefixes: [10.30.77.0/24]}
"""
ANNA = Principal("anna")
BO = Principal("bo")
HIDDEN = "whose part is not shown: ask the appliance's admins"


def started(root: Path, text: str = BASE_TEXT) -> Bench:
    bench = Bench(root, text)
    run(bench.start())
    return bench


# Who may ask what


@pytest.mark.parametrize(
    ("who", "request_", "allowed"),
    [
        ("anna", versions.Freeze(1, "x"), True),
        ("anna", versions.Unfreeze(1), True),
        ("carl", versions.Freeze(1, "x"), True),
        ("carl", versions.Unfreeze(1), False),
        ("carl", versions.Push(1, "base", "x: 1"), False),
        ("dora", versions.History(1), True),
        ("dora", versions.Cut(1, "peer", "hospital"), False),
        ("dora", versions.ShowFragment(1, "base"), False),
        ("bo", versions.Journal(1), False),
        ("bo", versions.ShowFragment(1, "base"), False),
        ("bo", versions.Push(1, "south", ""), False),
        ("bo", versions.Freeze(1, "x"), False),
        ("eve", versions.Situation(1), False),
    ],
)
def test_each_role_may_ask_its_own(tmp_path: Path, who: str, request_: versions.AboutVersions, allowed: bool) -> None:
    bench = started(tmp_path)
    answer = run(bench.ask(structs.replace(request_, principal=Principal(who))))
    assert (isinstance(answer, Declined) and answer.code == "forbidden") is not allowed


def test_a_token_may_be_worth_less_than_its_owner_and_never_more(tmp_path: Path) -> None:
    bench = started(tmp_path)
    for whom, allowed in (
        (Principal("anna", "viewer"), False),
        (Principal("dora", "admin"), False),
        (Principal("anna", "operator"), True),
    ):
        answer = run(bench.ask(versions.Freeze(1, "x", principal=whom)))
        assert isinstance(answer, Declined) is not allowed, whom
    me = run(bench.ask(versions.Whoami(1, principal=Principal("bo", "viewer"))))
    assert (me.role, me.organisation) == ("owner", "north")
    assert "push" not in me.verbs
    assert "history" in me.verbs


def test_the_web_is_nobody_by_itself_and_root_is_an_admin(tmp_path: Path) -> None:
    bench = started(tmp_path)
    assert run(bench.ask(versions.Whoami(1))).code == "forbidden"
    assert run(bench.ask(versions.Whoami(1), local=True)).name == "root"
    assert run(bench.ask(versions.Whoami(1, principal=Principal("eve")), local=True)).name == "eve as root"


def test_who_is_cut_off_is_not_answered_any_more(tmp_path: Path) -> None:
    bench = started(tmp_path)
    run(bench.ask(versions.Cut(1, "token", "bo", "lost laptop"), local=True))
    assert run(bench.ask(versions.Situation(1, principal=BO))).code == "forbidden"
    run(bench.ask(versions.Uncut(1, "token", "bo"), local=True))
    assert run(bench.ask(versions.Situation(1, principal=BO))).number == 1


# Push


def test_a_push_is_idempotent_and_says_what_it_expects(tmp_path: Path) -> None:
    bench = started(tmp_path)
    head = bench.keeper.state.heads()["base"].ref
    one = run(bench.push(limited(4)))
    lines = len(bench.keeper.journal.recent)
    assert run(bench.push(limited(4))) == one
    assert len(bench.keeper.journal.recent) == lines
    assert run(bench.push(BASE_TEXT)).state == "running"
    answer = run(bench.push(limited(5), expected=one.ref))
    assert (answer.code, answer.running) == ("conflict", head)


def test_of_two_who_change_the_same_the_second_is_told(tmp_path: Path) -> None:
    bench = started(tmp_path)
    one, two = run(bench.push(limited(4))), run(bench.push(limited(5)))
    assert isinstance(run(bench.ask(versions.ApplyVersion(1, one.ref), local=True)), Applied)
    answer = run(bench.ask(versions.ApplyVersion(1, two.ref), local=True))
    assert (answer.code, answer.running) == ("conflict", one.ref)
    again = run(bench.ask(versions.ApplyVersion(1, one.ref), local=True))
    assert not again.changed


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: [", r"north.yaml:2: not YAML"),
        ("a: &a [1,1,1,1,1,1,1,1,1,1]\nb: &b [" + "*a," * 500 + "]\nc: &c [" + "*b," * 500 + "]\n", "aliases expand"),
        ("peers: {a: 1}\npeers: {}\n", "'peers' stands here and on line 1"),
        ("[" * 200 + "]" * 200, "nested deeper than 32 levels"),
        ("x: 2026-02-30", "north.yaml:1: '2026-02-30' is no date or time"),
        (f"x: {'9' * 5000}", "is no whole number: it has more than 100 characters"),
        ("x: !!bool many", "north.yaml:1: 'many' is no true or false"),
        ("#" * (2 << 20) + "#", "a fragment of more than 2 MiB"),
    ],
)
def test_what_is_no_text_of_ours_is_declined_at_once(tmp_path: Path, text: str, reason: str) -> None:
    bench = started(tmp_path)
    lines = len(bench.keeper.journal.recent)
    answer = run(bench.push(text, "bo", "north"))
    assert answer.code == "invalid"
    assert reason in answer.reasons[0]
    assert len(bench.keeper.journal.recent) == lines


@pytest.mark.parametrize("times", ["starts: 2026-01-01, ends: 9999-12-31", "starts: 9996-01-01"])
def test_an_agreement_without_end_is_pushed_checked_shown_and_applied(tmp_path: Path, times: str) -> None:
    bench = started(tmp_path)
    pushed = run(bench.push(replaced(NORTH_TEXT, ("starts: 2026-01-01", times)), "bo", "north"))
    assert isinstance(pushed, Candidate)
    checked = run(bench.ask(versions.CheckVersion(2, pushed.ref, principal=ANNA)))
    assert (checked.faults, checked.hindrances) == ((), ())
    shown = run(bench.ask(versions.DiffVersion(3, pushed.ref, principal=ANNA)))
    assert isinstance(shown, versions.Differences)
    assert isinstance(run(bench.ask(versions.ApplyVersion(4, pushed.ref, principal=ANNA))), Applied)


def test_who_pushes_again_and_again_does_not_fill_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatewayd.config.keeper.SWEEP_BYTES", 100_000)
    bench = started(tmp_path)
    for number in range(60):
        pushed = run(bench.push(f"# {number}" + "x" * 10_000, "bo", "north"))
        assert isinstance(pushed, Candidate)
    kept = sum(path.stat().st_size for path in (tmp_path / "versions/contents").iterdir())
    assert kept < 300_000
    assert len(bench.keeper.state.candidates) == 8
    assert run(bench.ask(versions.CheckVersion(1, pushed.ref), local=True)).faults == ()


def test_only_fragments_of_the_base_can_be_pushed(tmp_path: Path) -> None:
    answer = run(started(tmp_path).push("", fragment="west"))
    assert (answer.code, answer.reasons) == (
        "unknown",
        ("there is no fragment 'west' here: known are base, north, south",),
    )


# Check, diff


def test_a_check_tells_faults_findings_and_what_holds_up(tmp_path: Path) -> None:
    bench = started(tmp_path)
    bad = run(bench.push(replaced(BASE_TEXT, ("interface: mgmt0", "interface: net0"))))
    answer = run(bench.ask(versions.CheckVersion(1, bad.ref), local=True))
    assert answer.faults == ("site.yaml:24: zones.mgmt.interface: 'net0' already belongs to zone 'internet'",)
    good = run(bench.push(limited(4)))
    run(bench.ask(versions.Freeze(1, "holiday"), local=True))
    answer = run(bench.ask(versions.CheckVersion(1, good.ref, prove=True), local=True))
    assert isinstance(answer, Checked)
    assert answer.faults == ()
    assert "changes are frozen by root (holiday)" in answer.hindrances[0]
    assert answer.proof is not None


CORE = """\
  networks: {rooms: {zone: core, prefixes: [10.50.0.0/16]}}
  rules:
    - {zone: sdn, into: core, action: allow}
"""


def test_a_difference_tells_meaning_first(tmp_path: Path) -> None:
    bench = started(tmp_path)
    text = replaced(
        limited(4),
        ("  rules:\n", CORE),
        ("  mgmt:\n    interface", "  core: {interface: core0}\n  mgmt:\n    interface"),
        ("  silent: {zone: sdn}\n", ""),
        ('{alias: "*", refuse: 404}', '{alias: "*", refuse: 480}'),
    )
    answer = run(bench.ask(versions.DiffVersion(1, run(bench.push(text)).ref), local=True))
    assert [(each.verb, each.source, each.target) for each in answer.paths] == [("opened", "sdn", "core")]
    words = "\n".join(answer.words)
    assert "zone 'core' is new" in words
    assert "peer 'silent' is gone (site.yaml:" in words
    assert "dial plan: rule refuse: 404 is gone" in words
    assert "limits.calls: was 3, is 4 (site.yaml:" in words
    assert answer.ruleset
    assert {line[:2] for line in answer.ruleset} <= {"+ ", "- "}
    assert [line for line in answer.ruleset if line[2:] in {"", "}"}] == []
    assert any(re.match(r"\+ chain rule: .*accept", line) for line in answer.ruleset), "with the block that it is in"
    back = run(bench.ask(versions.DiffVersion(1, number=1), local=True))
    assert (back.paths, back.words, back.ruleset) == ((), (), ())


def test_a_proof_that_finds_a_difference_refuses(tmp_path: Path) -> None:
    bench = started(tmp_path, replaced(BASE_TEXT, ("management:\n", "management:\n  prove: true\n")))
    found = Difference("sdn 10.0.0.9 -> 203.0.113.1 tcp/443", "deny", "lets it pass")
    bench.proofs = [ProofReport("x", 10, 0.1, 1, (found,))]
    answer = run(bench.apply(bench.text.replace("{calls: 3,", "{calls: 4,")))
    assert answer.code == "invalid"
    assert str(found) in answer.reasons
    assert bench.calls == 3
    assert isinstance(run(bench.apply(bench.text.replace("{calls: 3,", "{calls: 4,"))), Applied)


# What owners see


def together(root: Path) -> Bench:
    bench = started(root)
    assert isinstance(run(bench.apply(SOUTH_TEXT, fragment="south")), Applied)
    return bench


def test_an_owner_changes_its_own_and_sees_no_other(tmp_path: Path) -> None:
    bench = together(tmp_path)
    assert isinstance(run(bench.apply(NORTH_TEXT, "bo", "north", confirm_within=60)), Applied)
    report = run(bench.ask(versions.Situation(1, principal=BO)))
    assert [part.name for part in report.fragments] == ["north"]
    listed = run(bench.ask(versions.History(1, principal=BO)))
    assert isinstance(listed, VersionList)
    assert [list(each.fragments) for each in listed.versions] == [["north"]]
    assert run(bench.ask(versions.ShowFragment(1, "south", principal=BO))).code == "forbidden"
    assert run(bench.ask(versions.ShowFragment(1, "north", principal=BO))).text == NORTH_TEXT
    assert isinstance(run(bench.ask(versions.Confirm(1, principal=BO))), Applied)
    told = repr([report, listed, run(bench.ask(versions.DiffVersion(1, number=3, principal=BO)))])
    assert "south" not in told


def test_a_conflict_with_another_organisation_is_told_without_its_part(tmp_path: Path) -> None:
    text = replaced(BASE_TEXT, ("networks: {sdn: [10.30.0.0/16]}", "networks: {internet: [203.0.113.64/26]}"))
    text = replaced(text, ("internet: []", "internet: [203.0.113.128/26]"))
    text = replaced(text, ("rules:\n", "rules:\n    - {zone: mgmt, into: internet, action: allow}\n"))
    bench = started(tmp_path, text)
    south = "policy: {networks: {south.secret: {zone: internet, prefixes: [203.0.113.64/28]}}}\n"
    assert isinstance(run(bench.apply(south, fragment="south")), Applied)
    base = replaced(text, ("action: allow}", "action: allow, sources: [south.gone]}"))
    seen = run(bench.ask(versions.CheckVersion(1, run(bench.push(base)).ref), local=True))
    assert "south.gone" in seen.faults[0]  # an admin sees all
    veil = run(bench.answers._telling.veil(bench.answers.asker(BO, local=False)))
    assert veil is not None
    lines = veil.sentences(
        "north.yaml:3: 10.1.0.0/16 of 'north' overlaps 10.1.2.0/24 of 'south' at south.yaml:7 in zone 'sdn'\n"
        "site.yaml:9: there is no network 'north.x'\nnorth.yaml:4: matches nothing at site.yaml:7"
    )
    assert lines == (
        f"north.yaml:3: this is in conflict with another organisation, {HIDDEN}",
        f"this is in conflict with the base of the appliance, {HIDDEN}",
        "north.yaml:4: matches nothing at the base",
    )


def test_what_an_owner_names_itself_it_may_read(tmp_path: Path) -> None:
    bench = together(tmp_path)
    text = replaced(NORTH_TEXT, ("service: old.journal", "service: south.archive"))
    pushed = run(bench.push(text, "bo", "north"))
    answer = run(bench.ask(versions.CheckVersion(1, pushed.ref, principal=BO)))
    assert any("south.archive" in each or "same" in each or "both in zone" in each for each in answer.faults)
    assert "10.30" not in repr(answer)


# What holds changes up


def test_a_freeze_passes_only_broken_glass(tmp_path: Path) -> None:
    bench = started(tmp_path)
    run(bench.ask(versions.Freeze(1, "holiday", NOON + 60), local=True))
    assert run(bench.apply(limited(4))).code == "closed"
    with pytest.raises(Exception, match="changes are frozen by root"):
        run(bench.answers.reload())
    assert run(bench.apply(limited(4), break_glass=True)).code == "forbidden"  # it does not say why
    assert isinstance(run(bench.apply(limited(4), break_glass=True, why="fire")), Applied)
    assert run(bench.ask(versions.History(1), local=True)).versions[0].break_glass
    assert run(bench.apply(limited(5))).code == "closed"
    bench.now += 61
    assert isinstance(run(bench.apply(limited(5))), Applied)


WINDOWED = replaced(BASE_TEXT, ("management:\n", 'management:\n  windows: [{hours: "22:00-04:00", time_zone: UTC}]\n'))
NIGHT = NOON - NOON % 86400 + 22.5 * 3600


def test_changes_wait_for_their_window_and_a_time_can_be_set(tmp_path: Path) -> None:
    async def scenario() -> None:
        bench = Bench(tmp_path, WINDOWED)
        await bench.start()
        late, early = limited(4, WINDOWED), limited(5, WINDOWED)
        assert (await bench.apply(late)).code == "closed"
        assert (await bench.apply(early, at=NOON + 60)).code == "closed"
        answer = await bench.apply(late, at=NIGHT, confirm_within=60)
        assert (answer.at, answer.changed) == (NIGHT, False)
        report = await bench.ask(versions.Situation(1), local=True)
        assert [each.at for each in report.scheduled] == [NIGHT]
        assert not report.window
        assert await bench.answers.due() > 0
        assert bench.calls == 3
        bench.open()  # it is not forgotten
        await bench.start()
        bench.now = NIGHT + 1
        await bench.answers.due()
        assert bench.calls == 4
        assert len(bench.keeper.state.waiting) == 1

    run(scenario())


def test_a_time_that_passed_while_it_was_off_is_not_made_up_for(tmp_path: Path) -> None:
    bench = started(tmp_path, WINDOWED)
    run(bench.apply(limited(4, WINDOWED), at=NIGHT))
    bench.now = NIGHT + 3600
    run(bench.answers.due())
    assert bench.calls == 3
    assert bench.keeper.state.candidates == {}
    assert "did not run at that time" in bench.keeper.journal.recent[-1].entry.why
    told = "candidate .* of anna was not applied at its time: gatewayd did not run at that time"
    assert [re.match(told, each) is not None for each in alarms(bench)] == [True]
    assert isinstance(run(bench.apply(limited(5, WINDOWED))), Applied)
    assert alarms(bench) == [], "somebody has looked, and changed something"


def alarms(bench: Bench) -> list[str]:
    return list(run(bench.ask(versions.Situation(1), local=True)).alarms)


APPROVED = replaced(BASE_TEXT, ("management:\n", "management:\n  approvers: {mgmt: [carl, anna]}\n"))
CHANGED = replaced(APPROVED, ("sources: [192.0.2.0/24]", "sources: [192.0.2.0/25]"))


def test_a_zone_with_approvers_needs_another_person(tmp_path: Path) -> None:
    bench = started(tmp_path, APPROVED)
    pushed = run(bench.push(CHANGED))
    assert isinstance(pushed, Candidate)
    asked = versions.ApplyVersion(1, pushed.ref, principal=Principal("anna"))
    answer = run(bench.ask(asked))
    assert (answer.code, "zone mgmt: carl or anna" in answer.reasons[0]) == ("approval", True)
    assert run(bench.ask(versions.CheckVersion(1, pushed.ref), local=True)).waits_for == ("mgmt",)
    assert run(bench.ask(versions.Approve(1, pushed.ref, principal=Principal("anna")))).code == "forbidden"
    said = run(bench.ask(versions.Approve(1, pushed.ref, principal=Principal("carl"))))
    assert [(each.who, each.zones) for each in said.approvals] == [("carl", ("mgmt",))]
    other = run(bench.push(replaced(CHANGED, ("{calls: 3,", "{calls: 4,"))))
    assert run(bench.ask(versions.ApplyVersion(1, other.ref, principal=Principal("anna")))).code == "approval"
    assert isinstance(run(bench.ask(asked)), Applied)


def test_what_touches_no_zone_with_approvers_needs_nobody(tmp_path: Path) -> None:
    bench = started(tmp_path, APPROVED)
    assert isinstance(run(bench.apply(replaced(APPROVED, ("  silent: {zone: sdn}\n", "")))), Applied)
    assert run(bench.apply(replaced(APPROVED, ("approvers: {mgmt: [carl, anna]}", "prove: false")))).code == "approval"


# Cuts


def test_a_name_that_is_not_there_is_not_cut_off_in_silence(tmp_path: Path) -> None:
    bench = started(tmp_path)
    answer = run(bench.ask(versions.Cut(1, "peer", "hospitl"), local=True))
    assert (answer.code, answer.reasons) == ("unknown", ("there is no peer 'hospitl' here; did you mean 'hospital'?",))


def test_who_is_cut_off_stays_so_through_versions_and_restarts(tmp_path: Path) -> None:
    bench = started(tmp_path)
    run(bench.ask(versions.Freeze(1, "holiday"), local=True))
    run(bench.ask(versions.Cut(1, "peer", "hospital", "stolen"), local=True))
    assert "hospital" not in bench.active[-1].site.peers
    run(bench.apply(limited(4), break_glass=True, why="fire"))
    assert "hospital" not in bench.active[-1].site.peers
    bench.open()
    run(bench.start())
    assert "hospital" not in bench.active[-1].site.peers
    report = run(bench.ask(versions.Situation(1), local=True))
    assert [(cut.kind, cut.name, cut.why) for cut in report.cuts] == [("peer", "hospital", "stolen")]
    run(bench.ask(versions.Uncut(1, "peer", "hospital"), local=True))
    assert "hospital" in bench.active[-1].site.peers


def test_the_journal_tells_who_did_what(tmp_path: Path) -> None:
    bench = started(tmp_path)
    run(bench.apply(limited(4), why="more calls"))
    answer = run(bench.ask(versions.Journal(1, verify=True), local=True))
    assert [(line.event, line.who) for line in answer.lines] == [
        ("version.begun", "gatewayd"),
        ("version.confirmed", "gatewayd"),
        ("candidate.pushed", "anna"),
        ("version.begun", "anna"),
        ("version.confirmed", "anna"),
    ]
    assert answer.damage == ""
    assert answer.head == answer.lines[-1].digest
    assert asyncio.run(bench.ask(versions.Journal(1, 4), local=True)).lines == answer.lines[4:]


def test_a_journal_that_was_changed_is_an_alarm_as_soon_as_somebody_verifies_it(tmp_path: Path) -> None:
    bench = started(tmp_path)
    run(bench.apply(limited(4), why="more calls"))
    file = next(tmp_path.rglob("journal"))
    whole = file.read_bytes()
    file.write_bytes(whole.replace(b"more calls", b"less calls", 1))
    damage = run(bench.ask(versions.Journal(1, verify=True), local=True)).damage
    assert damage.startswith("line 5 does not follow")
    assert alarms(bench) == [damage]
    file.write_bytes(whole[: whole.rstrip().rfind(b"\n") + 1])
    shorter = run(bench.ask(versions.Journal(1, verify=True), local=True))
    assert (shorter.code, alarms(bench)) == ("storage", list(shorter.reasons))
