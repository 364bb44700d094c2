"""What is changed in a text of YAML, and that everything else stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vdx.site.amend import Data, amended
from vdx.site.source import read

TEXT = """\
# whose it is
peers: {north: {zone: sdn}}   # ours

agreements:
  # what we offer
  services:
    images: {organisation: north}   # the archive
    sip:
      organisation: north     # room systems
      endpoints:
        - 10.0.0.1/32         # the old one
  agreements:

    # asked for by mail
    a-1: {client: pcs, service: images}   # until the move
    a-2:
      client: pcs
      service: sip   # both wards

# the end
limits: {calls: 40}
"""


def data(text: str) -> Data:
    found: Data = read(text.encode(), "text").data
    return found


def changed_lines(before: str, after: str) -> tuple[list[str], list[str]]:
    """Give the lines that went and those that came."""
    old, new = before.splitlines(), after.splitlines()
    return [line for line in old if line not in new], [line for line in new if line not in old]


def test_what_is_the_same_stays_to_the_letter() -> None:
    assert amended(TEXT, data(TEXT)) == TEXT


def test_entries_come_change_and_go_and_remarks_stay() -> None:
    wanted = data(TEXT)
    block = wanted["agreements"]
    block["agreements"]["a-3"] = {"client": "pcs", "service": "sip", "starts": "2026-01-01"}
    block["agreements"]["a-2"]["approved"] = True
    block["agreements"]["a-1"] = {"client": "pcs", "service": "images", "rejected": "moved: # see mail"}
    block["rejects"] = {"south.b": {"client": "south.pcs", "service": "sip"}}
    del block["services"]["images"]
    made = amended(TEXT, wanted)
    assert data(made) == wanted
    assert changed_lines(TEXT, made) == (
        [
            "    images: {organisation: north}   # the archive",
            "    a-1: {client: pcs, service: images}   # until the move",
        ],
        [
            "    a-1: {client: pcs, service: images, rejected: 'moved: # see mail'}   # until the move",
            "      approved: true",
            "    a-3: {client: pcs, service: sip, starts: '2026-01-01'}",
            "  rejects:",
            "    south.b: {client: south.pcs, service: sip}",
        ],
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "agreements:\n  approves:\n    a: {client: c}\n"),
        ("# nothing yet\n", "# nothing yet\nagreements:\n  approves:\n    a: {client: c}\n"),
        ("peers: {}  # none", "peers: {}  # none\nagreements:\n  approves:\n    a: {client: c}\n"),
        ("agreements:\n# soon\n", "agreements: {approves: {a: {client: c}}}\n# soon\n"),
        ("agreements: {}  # soon\n", "agreements: {approves: {a: {client: c}}}  # soon\n"),
        ("agreements:\r\n  notice_days: 9\r\n", "agreements:\r\n  notice_days: 9\r\n  approves:\n    a: {client: c}\n"),
    ],
)
def test_a_block_that_was_not_there_is_made(before: str, after: str) -> None:
    wanted = data(before) or {}
    block = wanted["agreements"] = wanted.get("agreements") or {}
    block["approves"] = {"a": {"client": "c"}}
    assert amended(before, wanted) == after


def test_a_text_with_an_alias_is_written_anew_rather_than_wrong() -> None:
    text = "# head\nagreements:\n  approves:\n    a: &one {client: c}\n    b: *one\n"
    wanted = data(text)
    wanted["agreements"]["approves"]["a"] = {"client": "d"}
    assert data(amended(text, wanted)) == wanted


VALUES = st.one_of(
    st.text("abcXYZ:#-'\"{}[],&*!|>%@` \n0123456789æ", max_size=12),
    st.integers(-5, 5),
    st.booleans(),
    st.lists(st.sampled_from(["10.0.0.0/8", "b", "true"]), max_size=3),
)
ENTRIES = st.dictionaries(st.sampled_from("pqrs"), VALUES, max_size=3)
BLOCKS = st.dictionaries(st.sampled_from(["a-1", "b.c", "d", "e"]), ENTRIES, min_size=1, max_size=4)


@given(before=BLOCKS, after=BLOCKS, flow=st.booleans())
def test_whatever_changes_the_text_says_it_and_remarks_elsewhere_stay(before: Data, after: Data, flow: bool) -> None:
    text = "# head\nagreements:\n  approves:\n"
    for name, entry in before.items():
        text += f"    # about {name}\n"
        lines = [f"{key}: {_written(value)}" for key, value in entry.items()]
        if flow or not lines:
            text += f"    {name}: {{{', '.join(lines)}}}\n"
        else:
            text += f"    {name}:\n" + "".join(f"      {line}  # {name}\n" for line in lines)
    text += "# tail\n"
    wanted = {"agreements": {"approves": after}}
    made = amended(text, wanted)
    assert data(made) == wanted
    assert made.startswith("# head\n")
    assert made.endswith("# tail\n")
    assert all(f"    # about {name}\n" in made for name in before)


def _written(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(map(_written, value)) + "]"
    if isinstance(value, int):
        return str(value)
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
