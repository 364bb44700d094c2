"""firewalld with the agreements of a policy: its own engine and configuration files, without its D-Bus service.

An agreement is some rich rules between two zones, a client's prefixes are a set: what its manual gives for such a
policy. The engine is a program of its own (``bench.firewalld_engine``).
"""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from nft.policy import traffic
from nft.policy.agreement import Agreement
from nft.policy.model import Policy

ENGINE = Path(__file__).with_name("firewalld_engine.py")
PYTHON = "/usr/bin/python3"
"""Debian's: the module of its package `python3-firewall` is there and not in our environment. With `-I`, or it would
take `bench.firewall` for that module."""

ZONES = {"sdn": "sdn0", "inet": "net0"}
"""firewalld's zones with their interfaces; it does without a zone of the core, to which nothing is sent here."""

STOCK = ("block", "drop", "trusted", "public")
"""Zones that it refuses to start without."""

PATIENCE = 300.0
"""Seconds for all that is asked of one engine: ten thousand agreements take it more."""

POLICY = "agreements"


class Rule(NamedTuple):
    """One rich rule: the set of the source, the address of the destination, its protocol and ports."""

    source: str
    to: str
    kind: str
    ports: str

    def __str__(self) -> str:
        return (
            f"rule family=ipv4 source ipset={self.source} destination address={self.to} "
            f"port port={self.ports} protocol={self.kind} accept"
        )

    @property
    def element(self) -> str:
        """The rule as a file of the configuration has it."""
        return (
            f'<rule family="ipv4"><source ipset="{self.source}"/><destination address="{self.to}"/>'
            f'<port port="{self.ports}" protocol="{self.kind}"/><accept/></rule>'
        )


class Firewalld:
    """The engine in a namespace; every step gives the CPU seconds that it took, of the kernel's part as well."""

    def __init__(self, engine: subprocess.Popen[str]) -> None:
        self._engine = engine

    def start(self) -> float:
        """Read the configuration and load it."""
        return self._ask("start")

    def reload(self) -> float:
        """Read the configuration again and load it: what it needs to change a file of prefixes."""
        return self._ask("reload")

    def add(self, rules: Iterable[Rule]) -> float:
        """Add rules to what runs."""
        return sum(self._ask(f"add {POLICY} {rule}") for rule in rules)

    def remove(self, rules: Iterable[Rule]) -> float:
        """Take them away again."""
        return sum(self._ask(f"remove {POLICY} {rule}") for rule in rules)

    def _ask(self, what: str) -> float:
        assert self._engine.stdin is not None  # noqa: S101 - they are pipes
        assert self._engine.stdout is not None  # noqa: S101
        print(what, file=self._engine.stdin, flush=True)
        for line in self._engine.stdout:
            with suppress(ValueError):  # its own remarks stand between
                return float(line)
        raise RuntimeError(f"firewalld's engine has ended at: {what}")


@contextmanager
def firewalld(namespace: str, policy: Policy) -> Iterator[Firewalld]:
    """Write the configuration of a policy's agreements and have the engine ready in a namespace."""
    with TemporaryDirectory(prefix="vdx-bench-") as made:
        _configure(Path(made), policy)
        command = f"ip netns exec {namespace} taskset -c 1 timeout {PATIENCE} {PYTHON} -I {ENGINE} {made}".split()
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as engine:
            try:
                yield Firewalld(engine)
            finally:
                engine.terminate()


def rules(policy: Policy, agreements: Iterable[Agreement]) -> Iterator[Rule]:
    """Yield the rules of agreements: one for each endpoint and range of ports."""
    services = {each.name: each for each in policy.agreements.services}
    for one in agreements:
        service = services[one.service]
        for endpoint, (kind, ports) in itertools.product(service.endpoints, _ports(service.traffic)):
            yield Rule(one.client, str(endpoint), kind, ports)


def _ports(wanted: tuple[tuple[int, int], ...]) -> Iterator[tuple[str, str]]:
    for first, last in wanted:
        for kind, low, high in traffic.split(first, last):
            yield kind, str(low) if low == high else f"{low}-{high}"


def _configure(root: Path, policy: Policy) -> None:
    for folder in ("zones", "ipsets", "policies", "services", "icmptypes", "helpers"):
        (root / folder).mkdir()
    (root / "firewalld.conf").write_text("DefaultZone=public\nFirewallBackend=nftables\nIPv6_rpfilter=no\n")
    _write(root / "icmptypes/echo-request.xml", "icmptype", "<short>echo</short>")
    _write(root / "services/ssh.xml", "service", '<port protocol="tcp" port="22"/>')
    for zone in STOCK:
        _write(root / f"zones/{zone}.xml", 'zone target="DROP"', "")
    for zone, interface in ZONES.items():
        _write(root / f"zones/{zone}.xml", 'zone target="DROP"', f'<interface name="{interface}"/>')
    for client in policy.agreements.clients:
        entries = "".join(f"<entry>{each}</entry>" for each in client.prefixes)
        family = '<option name="family" value="inet"/>'
        _write(root / f"ipsets/{client.name}.xml", 'ipset type="hash:net"', family + entries)
    source, target = ZONES
    listed = rules(policy, policy.agreements.agreements)
    ways = f'<ingress-zone name="{source}"/><egress-zone name="{target}"/>'
    _write(root / f"policies/{POLICY}.xml", 'policy target="DROP"', ways + "".join(rule.element for rule in listed))


def _write(path: Path, head: str, content: str) -> None:
    path.write_text(f'<?xml version="1.0"?>\n<{head}>{content}</{head.split(maxsplit=1)[0]}>\n')
