"""The server's configuration grants what a job needs; that it is enough, and no more, is tested on a real server."""

from __future__ import annotations

import json

import pytest

from vdx.bus.errors import BusError
from vdx.bus.grants import BUCKETS, GRANTS, STREAMS
from vdx.bus.server import OWNER, Certificates, Cluster, Program, Server, configuration

PROGRAMS = (
    Program("hub", "hub", "h" * 32),
    Program("edge1", "edge", "e" * 32),
    Program("edge2", "edge", "f" * 32),
    Program("mixer1", "mixer", "m" * 32),
)


def test_every_program_but_the_hub_has_an_account_of_its_own() -> None:
    said = json.loads(configuration(Server("bus1", "127.0.0.1:4222", "/var/lib/vdx-bus", PROGRAMS)))
    accounts = said["accounts"]
    assert list(accounts) == [OWNER, "edge1", "edge2", "mixer1"]
    assert [name for name, account in accounts.items() if "jetstream" in account] == [OWNER]
    exports = {
        next(v for k, v in each.items() if k in {"service", "stream"}): each for each in accounts[OWNER]["exports"]
    }
    assert exports["$JS.API.DIRECT.GET.KV_rooms"]["accounts"] == ["edge1", "edge2", "mixer1"]
    assert exports["$KV.rooms.*"]["accounts"] == ["mixer1"]
    assert exports["$KV.calls.edge1.>"]["accounts"] == ["edge1"]
    for name in ("edge1", "edge2", "mixer1"):
        (user,) = accounts[name]["users"]
        permissions = user["permissions"]
        assert f"_INBOX_{name}.>" in permissions["subscribe"]["allow"]
        everything = [*permissions["publish"]["allow"], *permissions["subscribe"]["allow"]]
        assert not {">", "$JS.API.>", "$KV.>", "*"} & set(everything)
        assert ("allow_responses" in permissions) == (name == "mixer1")
    assert said["jetstream"]["sync_interval"] == "always"


def test_a_cluster_speaks_tls_with_certificates_both_ways() -> None:
    files = Certificates("/c.pem", "/k.pem", "/ca.pem")
    cluster = Cluster("vdx", "10.0.0.1:6222", ("tls://10.0.0.2:6222", "tls://10.0.0.3:6222"))
    said = json.loads(configuration(Server("bus1", "10.0.0.1:4222", "/s", PROGRAMS, tls=files, cluster=cluster)))
    assert said["tls"] == {"cert_file": "/c.pem", "key_file": "/k.pem", "min_version": "1.2"}
    assert said["cluster"]["tls"]["verify"] is True
    assert said["cluster"]["tls"]["ca_file"] == "/ca.pem"


def test_names_are_names_of_one() -> None:
    for programs in ((*PROGRAMS, Program("edge1", "mixer", "x" * 32)), (Program(OWNER, "edge", "x" * 32),)):
        with pytest.raises(BusError, match="names of their own"):
            configuration(Server("bus1", "127.0.0.1:4222", "/s", programs))


def test_the_table_names_only_what_there_is() -> None:
    for grants in GRANTS.values():
        assert set(grants.reads) <= set(BUCKETS)
        assert {each.partition(".")[0] for each in grants.writes} <= set(BUCKETS)
        assert set(grants.posts) <= set(STREAMS)
