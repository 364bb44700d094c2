"""Element operations against the kernel: all or nothing, and errors that name the element."""

from __future__ import annotations

import errno
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from ipaddress import ip_address

import pytest

from nft import apply as kernel_rules
from nft import relay
from nft.elements import Element, Operation, Put, Remove
from nft.errors import ContentionError, NftError, TransactionError
from nft.kernel import CLOSED_AT_ONCE, TRIES, Kernel, Traffic
from nft.model import Edge
from nft.netlink import Netlink
from nft.number import Number
from nft.relay import Address, Bridge, Discard, End, Forget, Refresh
from nft.schema import MEDIA, Shape
from tests.nft.topology import Network, inside, run

pytestmark = pytest.mark.system

LPORT, WAIT, OK4 = MEDIA["lport"], MEDIA["wait"], MEDIA["ok4"]
HERE, THERE = ip_address("198.18.1.1"), ip_address("198.18.1.2")


@pytest.fixture
def netlink(net: Network) -> Iterator[Netlink]:
    """Return a socket in a namespace with our tables and nothing else."""
    name = f"{net.names['gw']}-nl"
    run("ip", "netns", "add", name)
    try:
        with inside(name):
            kernel_rules.apply(Edge())
            with Netlink() as made:
                yield made
    finally:
        run("ip", "netns", "del", name)


def test_what_is_put_is_found_and_dumped(netlink: Netlink) -> None:
    key = ("sdn0", HERE, 40000, THERE, 5004)
    netlink.commit([Put(OK4, key, 7, timeout=12.5), Put(LPORT, (1,), 40000)])
    (found,) = netlink.find(OK4, [key])
    assert found is not None
    assert (found.key, found.data, found.timeout) == (key, 7, 12.5)
    assert found.expires == pytest.approx(12.5, abs=1)
    assert [replace(e, expires=None) for e in netlink.dump(OK4)] == [replace(found, expires=None)]
    assert netlink.find(LPORT, [(2,), (1,)])[0] is None


def test_a_comment_is_kept(netlink: Netlink) -> None:
    netlink.commit([Put(MEDIA["self4"], ("sdn0", HERE, 40000), 5, comment="abc.1 02049c40")])
    assert netlink.dump(MEDIA["self4"])[0].comment == "abc.1 02049c40"


def test_a_refused_operation_undoes_all_others_and_is_named(netlink: Netlink) -> None:
    with pytest.raises(TransactionError, match=r"lport \{ 4 \}: No such file") as refused:
        netlink.commit([Put(LPORT, (3,), 1), Remove(LPORT, (3,)), Remove(LPORT, (4,)), Put(WAIT, (9,))])
    assert refused.value.only(errno.ENOENT)
    assert netlink.dump(LPORT) == []
    assert netlink.dump(WAIT) == []


def test_every_refusal_of_a_batch_is_told(netlink: Netlink) -> None:
    with pytest.raises(TransactionError) as refused:
        netlink.commit([Remove(LPORT, (4,)), Remove(WAIT, (5,))])
    assert [(r.set_name, r.key) for r in refused.value.refusals] == [("lport", "4"), ("wait", "5")]
    netlink.commit([Put(LPORT, (4,), 1)])


def test_the_same_again_is_no_error_but_another_value_is(netlink: Netlink) -> None:
    netlink.commit([Put(LPORT, (1,), 40000)])
    netlink.commit([Put(LPORT, (1,), 40000)])
    with pytest.raises(TransactionError, match="lport"):
        netlink.commit([Put(LPORT, (1,), 40001)])


def test_thousands_of_elements_go_in_one_transaction(netlink: Netlink) -> None:
    keys = [(number,) for number in range(1, 20001)]
    for shape in (MEDIA["peer"], LPORT):
        netlink.commit([Put(shape, key, 1 + key[0] % 60000) for key in keys])
        assert [e.key for e in netlink.find(shape, keys) if e] == keys
    assert {e.key for e in netlink.dump(MEDIA["peer"])} == set(keys), "complete, as its table has a fixed size"
    netlink.commit([Remove(shape, key) for shape in (MEDIA["peer"], LPORT) for key in keys])
    assert netlink.find(LPORT, keys) == [None] * len(keys)
    assert netlink.dump(MEDIA["peer"]) == []


def test_what_is_deleted_is_told_where_it_is_asked_for(netlink: Netlink) -> None:
    netlink.commit([Put(LPORT, (1,), 40000), Put(WAIT, (1,))])
    told = netlink.commit([Remove(LPORT, (1,)), Remove(WAIT, (1,)), Put(LPORT, (2,), 40002)], (LPORT,))
    assert [(shape, element.key, element.data) for shape, element in told] == [(LPORT, (1,), 40000)]
    assert netlink.commit([Remove(LPORT, (2,))]) == []


def test_of_a_refused_batch_nothing_is_told(netlink: Netlink) -> None:
    netlink.commit([Put(LPORT, (1,), 40000)])
    with pytest.raises(TransactionError):
        netlink.commit([Remove(LPORT, (1,)), Remove(LPORT, (2,))], (LPORT,))
    told = netlink.commit([Remove(LPORT, (1,))], (LPORT,))
    assert [element.key for _, element in told] == [(1,)], "and nothing is left over of what was refused"


def test_the_ends_of_thousands_of_pinholes_are_told(netlink: Netlink) -> None:
    kernel = Kernel(netlink)
    here, there = Address(1, 1, HERE, "sdn0"), Address(2, 1, HERE, "net0")
    ports = range(2000, 2000 + 2 * CLOSED_AT_ONCE + 1)
    bridges = [Bridge("a.1", End(here, port, (THERE, 5004)), End(there, port)) for port in ports]
    kernel.commit(*(relay.open([bridge]) for bridge in bridges))
    traffic = kernel.close_bridges(bridges)
    assert traffic == {end.number: Traffic(0, 0) for bridge in bridges for end in (bridge.a, bridge.b)}
    assert netlink.dump(LPORT) == []
    assert kernel.close_bridges(bridges[:2]) == {}, "what was gone before is no error"


def test_an_empty_batch_is_nothing(netlink: Netlink) -> None:
    netlink.commit([])


def test_without_the_tables_the_error_names_the_set(netlink: Netlink) -> None:
    kernel_rules.reset()
    with pytest.raises(TransactionError, match="wait"):
        netlink.commit([Put(WAIT, (1,))])
    with pytest.raises(NftError, match="elements of wait"):
        netlink.dump(WAIT)
    assert netlink.declarations("media") == {}


def test_a_refresh_gives_time_only_to_what_is_there(netlink: Netlink) -> None:
    kernel = Kernel(netlink)
    kernel.commit((Put(WAIT, (1,), timeout=5),))
    kernel.commit((Refresh(WAIT, (1,), 50), Refresh(WAIT, (2,), 50)))
    (only,) = netlink.dump(WAIT)
    assert (only.key, only.timeout) == ((1,), 50)


def test_discards_and_missing_removals_do_not_fail_a_batch(netlink: Netlink) -> None:
    kernel = Kernel(netlink)
    kernel.commit((Put(LPORT, (1,), 1),))
    kernel.commit((Remove(LPORT, (1,)), Remove(LPORT, (2,)), Discard(WAIT, (3,)), Put(LPORT, (4,), 4)))
    assert [e.key for e in netlink.dump(LPORT)] == [(4,)]


def test_forgetting_takes_every_learned_source_of_the_pinhole_and_of_no_other(netlink: Netlink) -> None:
    kernel = Kernel(netlink)
    learned = [Put(MEDIA["lok4"], (n, THERE, port)) for n in (1, 2) for port in (5004, 5006)]
    learned += [put for n in (1, 2) for put in (Put(MEDIA["lda4"], (n,), THERE), Put(MEDIA["ldp"], (n,), 5004))]
    kernel.commit(tuple(learned))
    kernel.commit((Forget(Number(1), 4),))
    for name in ("lok4", "lda4", "ldp"):
        assert {e.key[0] for e in netlink.dump(MEDIA[name])} == {2}


class Vanishing(Netlink):
    """A kernel in which packets take a waiting pinhole each time just before a transaction."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def commit(self, operations: Iterable[Operation], echo: Collection[Shape] = ()) -> list[tuple[Shape, Element]]:
        listed = list(operations)
        if self.times:
            self.times -= 1
            super().commit([Remove(WAIT, (1,))])
        try:
            return super().commit(listed, echo)
        finally:
            if self.times:
                super().commit([Put(WAIT, (1,))])


def test_a_pinhole_that_learns_meanwhile_is_looked_at_again(netlink: Netlink) -> None:
    netlink.commit([Put(WAIT, (1,)), Put(LPORT, (1,), 1)])
    with Vanishing(1) as packets:
        Kernel(packets).commit((Discard(WAIT, (1,)), Remove(LPORT, (1,))))
    assert netlink.dump(LPORT) == []


def test_endless_contention_ends_with_an_error_and_nothing_done(netlink: Netlink) -> None:
    netlink.commit([Put(WAIT, (1,)), Put(LPORT, (1,), 1)])
    with Vanishing(TRIES + 1) as packets, pytest.raises(ContentionError):
        Kernel(packets).commit((Discard(WAIT, (1,)), Remove(LPORT, (1,))))
    assert len(netlink.dump(LPORT)) == 1
