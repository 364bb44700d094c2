"""A pair of edges on plain Debian, for `tools/test-deploy`: who has the shared addresses, and what it is to callers."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.ansible.conftest import GATEWAY, HOSPITAL, OUTSIDER, UP_S, Boot, Site

pytestmark = [pytest.mark.system, pytest.mark.deploy]

CHECKOUT = Path(__file__).resolve().parents[2]
ADDRESSES = {"edge1": "192.0.2.11", "edge2": "192.0.2.12"}


@pytest.fixture(scope="module")
def pair(site: Boot, tmp_path_factory: pytest.TempPathFactory) -> Site:
    made = site(ADDRESSES, {"edge": [*ADDRESSES]})
    folder = tmp_path_factory.mktemp("pair")
    for name, own, other, priority in (("edge1", "11", "12", "150"), ("edge2", "12", "11", "100")):
        file = folder / f"{name}.yaml"
        text = Path(__file__).with_name("pair.yaml").read_text()
        file.write_text(text.replace("OWN", own).replace("OTHER", other).replace("PRIORITY", priority))
        made.machines[name].more["edge_site"] = str(file)
    made.play("site")
    return made


def test_one_of_the_two_has_the_addresses_and_calls_pass(pair: Site) -> None:
    assert _call(pair, _serving(pair))


def test_a_second_run_changes_nothing(pair: Site) -> None:
    serving = _serving(pair)
    assert pair.play("site") == []
    assert _serving(pair) == serving


def test_the_other_takes_over_when_the_power_goes_and_goes_on_when_it_is_back(pair: Site) -> None:
    first = _serving(pair)
    (other,) = set(ADDRESSES) - {first}
    pair.machines[first].cut_power()
    assert _call(pair, other)
    pair.machines[first].give_power()
    _until(lambda: _well(pair, first), "it is not well again")
    assert _serving(pair) == other  # who comes back takes no call away
    assert _call(pair, other)


def test_the_other_takes_over_when_a_program_is_gone(pair: Site) -> None:
    first = _serving(pair)
    (other,) = set(ADDRESSES) - {first}
    pair.machines[first].shell("systemctl stop b2bua")
    assert _call(pair, other)
    pair.machines[first].shell("systemctl start b2bua")


def test_a_pulled_cable_moves_all_addresses(pair: Site) -> None:
    first = _serving(pair)
    (other,) = set(ADDRESSES) - {first}
    _until(lambda: _well(pair, other), "it is not well again")
    pair.machines[first].cable("sdn0", "down")
    assert _call(pair, other)
    assert "192.0.2.10/24" not in pair.machines[first].shell("ip -brief address show dev eth0")
    pair.machines[first].cable("sdn0", "up")


def _holders(site: Site) -> list[str]:
    """Give who has the shared addresses: both of them, or it does not count."""
    found = []
    for name in ADDRESSES:
        shown = subprocess.run(
            ["ip", "-n", site.machines[name].name, "-brief", "address"], capture_output=True, text=True, check=False
        )
        if f"{GATEWAY}/24" in shown.stdout and "192.0.2.10/24" in shown.stdout:
            found.append(name)
    return found


def _serving(site: Site) -> str:
    _until(lambda: len(_holders(site)) == 1, f"not one but {_holders(site)} have the shared addresses")
    (holder,) = _holders(site)
    return holder


def _well(site: Site, name: str) -> bool:
    machine = site.machines[name]
    told = json.loads(machine.shell("gatewayctl --json status || echo '{}'"))
    state = machine.shell("systemctl is-active keepalived || true").strip()
    return told.get("facts", {}).get("b2bua") == "connected" and state == "active"


def _call(site: Site, through: str) -> bool:
    """Dial as somebody does who tries again; tells whether both ends heard all, through whom it was said."""
    command = [sys.executable, "-m", "tests.image.caller", HOSPITAL, OUTSIDER, GATEWAY]
    ends = time.monotonic() + UP_S
    while True:
        done = subprocess.run(
            ["ip", "netns", "exec", site.caller, *command],
            cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        if done.returncode == 0:
            heard = json.loads(done.stdout)
            assert _holders(site) == [through]
            return bool(heard["caller"] and heard["callee"])
        assert time.monotonic() < ends, done.stderr


def _until(look: object, otherwise: str) -> None:
    assert callable(look)
    ends = time.monotonic() + UP_S
    while not look():
        assert time.monotonic() < ends, otherwise
        time.sleep(0.1)
