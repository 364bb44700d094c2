"""Agreements as CSV and JSON: there and back, and what is wrong by its line."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vdx.site import exchange
from vdx.site.exchange import KINDS, Kind, Tables, plain, read_csv, read_json, write_csv, write_json
from vdx.site.policy import Agreements
from vdx.site.source import SiteError

WORD = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,10}", fullmatch=True)
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=30).map(str.strip)
PREFIXES = st.lists(
    st.one_of(st.integers(0, 255).map(lambda n: f"10.{n}.0.0/16"), st.just("2001:db8::/32")), max_size=3, unique=True
)
SPANS = st.lists(st.sampled_from((443, "8000-8020", 5061)), max_size=2)
MOMENTS = st.one_of(
    st.dates(date(2000, 1, 1), date(2099, 1, 1)),
    st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds have none
)
FILES = st.lists(st.just("region.txt"), max_size=1)


def entries(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, dict[str, Any]]]:
    return st.dictionaries(WORD, st.fixed_dictionaries(fields), max_size=4)


HOSTS = st.lists(st.sampled_from(("vdx.example", "sip.vdx.example")), max_size=2)
ZONES = st.sampled_from(("sdn", "core"))
TABLES = st.fixed_dictionaries(
    {
        "organisations": entries(title=TEXT),
        "services": entries(
            organisation=WORD, zone=ZONES, endpoints=PREFIXES, files=FILES, hosts=HOSTS, tcp=SPANS, udp=SPANS,
            ping=st.booleans(), any=st.sampled_from((None, True)), approval=st.booleans(), group=TEXT, description=TEXT,
        ),
        "clients": entries(organisation=WORD, zone=ZONES, prefixes=PREFIXES, files=FILES),
        "agreements": entries(
            client=WORD, service=WORD, starts=MOMENTS, ends=st.none() | MOMENTS, approved=st.booleans()
        ),
    }
).map(Tables.model_validate)  # fmt: skip


@given(TABLES)
def test_json_there_and_back_is_the_same(tables: Tables) -> None:
    assert read_json(write_json(tables).encode(), "t.json") == tables


@given(TABLES, st.sampled_from(KINDS), st.booleans())
def test_csv_there_and_back_is_the_same(tables: Tables, kind: Kind, semicolons: bool) -> None:
    text = write_csv(tables, kind)
    if semicolons and ";" not in text and '"' not in text:
        text = text.replace(",", ";")
    assert plain(read_csv(text.encode(), "t.csv"), KINDS) == plain(tables, (kind,))


def test_what_is_written_is_what_other_programs_expect() -> None:
    known = Agreements.model_validate(
        {
            "organisations": {"hub": {"title": "=HUB, the"}},
            "services": {
                "sip": {
                    "organisation": "hub",
                    "zone": "core",
                    "endpoints": ["10.9.2.9/32"],
                    "hosts": ["vdx.example", "sip.vdx.example"],
                    "tcp": [5061, "8000-8020"],
                }
            },
            "agreements": {"a-1": {"client": "c", "service": "sip", "starts": date(2026, 1, 1), "approved": True}},
        }
    )
    tables = exchange.of(known)
    assert write_csv(tables, "organisations") == 'organisation,title\r\nhub,"\'=HUB, the"\r\n'
    assert (
        write_csv(tables, "services").splitlines()[1]
        == "sip,hub,core,10.9.2.9/32,,vdx.example sip.vdx.example,5061 8000-8020,,,,,,"
    )
    assert write_csv(tables, "agreements").splitlines()[1] == "a-1,c,sip,2026-01-01,,true,"
    assert write_csv(tables, "clients") == "client,organisation,zone,prefixes,files\r\n"
    assert json.loads(write_json(tables))["services"]["sip"]["tcp"] == [5061, "8000-8020"]


HEAD = "agreement,client,service,starts,ends,approved\n"
FAULTS = [
    ("", "t.csv:1: the first line is no header: write one of organisation,title; service,"),
    ("agreement,klient\n", "t.csv:1: unknown column 'klient': known are agreement, client, service, starts"),
    ("agreement,client,client\n", "t.csv:1: column 'client' stands twice: remove one"),
    (HEAD + "a,c,s,2026-01-01,\n", "t.csv:2: agreements: 5 cells where the header has 6"),
    (
        HEAD + "a,c,s,2026-01-01,,\n\na,c,s,2026-01-01,,\n",
        "t.csv:4: agreements: 'a' stands here and on line 2: remove one",
    ),
    (HEAD + "a,c,s,soon,,\n", "t.csv:2: agreements.a.starts: 'soon' is no date: write 2030-12-31"),
    (HEAD + "a,c,s,2026-01-01,,perhaps\n", "t.csv:2: agreements.a.approved: 'perhaps' is neither true nor false"),
    (HEAD + "a,c,,2026-01-01,,\n", "t.csv:2: agreements.a.service: is required"),
    ("client,zone,prefixes\nx,sdn,10.0.0.0/8 10.1.1.1/8\n", "t.csv:2: clients.x.prefixes.1: "),
    ("client,zone,prefixes\nkøge,sdn,10.0.0.0/8\n", "t.csv:2: clients.køge: is no name here: write small letters a-z"),
    (HEAD + 'a,"c"x,s,2026-01-01,,\n', "t.csv:2: not CSV: "),
]


@pytest.mark.parametrize(("text", "said"), FAULTS, ids=range(len(FAULTS)))
def test_what_is_wrong_is_told_by_its_line(text: str, said: str) -> None:
    with pytest.raises(SiteError) as error:
        read_csv(text.encode(), "t.csv")
    assert said in str(error.value)


def test_every_fault_of_a_table_is_told() -> None:
    with pytest.raises(SiteError) as error:
        read_csv((HEAD + "a,c,s,x,,\nb,c,s,y,,\n").encode(), "t.csv")
    assert [fault.line for fault in error.value.faults] == [2, 3]


def test_a_table_that_is_no_text_or_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SiteError, match=r"t\.csv:2: not UTF-8"):
        read_csv(b"client,zone\n\xe6\n", "t.csv")
    monkeypatch.setattr(exchange, "MAX_NODES", 10)
    with pytest.raises(SiteError, match="more than 10 cells"):
        read_csv((HEAD + "a,c,s,2026-01-01,,\n" * 2).encode(), "t.csv")
    monkeypatch.setattr(exchange, "MAX_BYTES", 10)
    with pytest.raises(SiteError, match="is this a table"):
        read_csv(HEAD.encode(), "t.csv")


def test_json_at_fault_names_the_line() -> None:
    text = '{"clients": {\n "x": {"zone": "sdn",\n  "prefixes": ["10.0.0.1/8"]}}}'
    with pytest.raises(SiteError, match=r"^t\.json:3: clients\.x\.prefixes\.0: "):
        read_json(text.encode(), "t.json")


def test_the_prefixes_of_an_import_are_those_written() -> None:
    made = read_csv(b"\xef\xbb\xbfclient;zone;prefixes\nx;sdn;10.0.0.0/8 2001:db8::/32\n", "t.csv")
    assert made.clients["x"].prefixes == (ip_network("10.0.0.0/8"), ip_network("2001:db8::/32"))
