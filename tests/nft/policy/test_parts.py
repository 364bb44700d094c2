"""Names by content: what is the same has the same name, all the way down."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nft.policy.parts import DIGEST_CHARACTERS, Draft, Hook, chain, resolve, switched


def drafts(address: str = "192.0.2.1", *, counter: str = "one") -> list[Draft]:
    return [
        chain("first", ["ip saddr @<known> goto <second>"]),
        chain("second", ["counter name <hits> accept"]),
        Draft("set", "known", "{ type ipv4_addr; }", f"  {address}"),
        Draft("counter", "hits", meaning=counter, stem="hits"),
        chain("third", ["drop"]),
    ]


def names(*listed: Draft, root: str = "first") -> dict[str, str]:
    return {name: part.name for name, part in resolve(listed, [root]).items()}


def test_what_is_referred_to_comes_first_and_what_nobody_needs_not_at_all() -> None:
    found = resolve(drafts(), ["first"])
    assert list(found) == ["known", "hits", "second", "first"]
    assert f"ip saddr @{found['known'].name} goto {found['second'].name}\n" in found["first"].text
    assert all(part.name.removeprefix(f"{name}_").isalnum() for name, part in found.items())
    assert {len(part.name) - len(name) - 1 for name, part in found.items()} == {DIGEST_CHARACTERS}


def test_a_change_renames_what_leads_to_it_and_nothing_else() -> None:
    before, after = names(*drafts()), names(*drafts("192.0.2.2"))
    assert {name for name in before if before[name] != after[name]} == {"known", "first"}
    before, after = names(*drafts()), names(*drafts(counter="two"))
    assert {name for name in before if before[name] != after[name]} == {"hits", "second", "first"}


def test_a_name_of_another_kind_or_with_other_words_is_another() -> None:
    found = {
        names(draft, root="x")["x"]
        for draft in (
            Draft("set", "x", "a", "b"), Draft("map", "x", "a", "b"), Draft("set", "x", "ab", ""),
            Draft("set", "x", "", "ab"), Draft("set", "x", "a", "", "b"),
        )
    }  # fmt: skip
    assert len(found) == 5


@given(st.permutations(drafts()))
def test_the_order_of_the_drafts_does_not_matter(listed: list[Draft]) -> None:
    assert names(*listed) == names(*drafts())


def test_base_chains_are_pointed_to_their_parts_without_a_moment_between() -> None:
    assert switched([Hook("prerouting", "type filter hook prerouting priority 0;", "prerouting_x")]).splitlines() == [
        "add chain inet transit prerouting { type filter hook prerouting priority 0; }",
        "flush chain inet transit prerouting",
        "add rule inet transit prerouting goto prerouting_x",
    ]
