from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from tests.gatewayd.edge import ANSWER_SECONDS, Edge, edge
from vdx import versions
from vdx.control import AdminClientCodec
from vdx.versions import BASE, AboutVersions


@dataclass
class Appliance:
    """An edge, and a way to ask about its versions."""

    edge: Edge

    def ask(self, request: AboutVersions, name: str = "admin.sock") -> Any:
        """Ask; raises EOFError where gatewayd dies meanwhile."""
        with socket.socket(socket.AF_UNIX) as asking:
            asking.settimeout(3 * ANSWER_SECONDS)
            asking.connect(str(self.edge.run_dir / name))
            asking.sendall(AdminClientCodec.encode(request))
            with asking.makefile("rb") as lines:
                try:
                    line = lines.readline()
                except ConnectionError:
                    line = b""
        if not line.endswith(b"\n"):
            raise EOFError("gatewayd is gone")
        return AdminClientCodec.decode(line)

    def text(self, **changes: Any) -> str:
        """Give the site file with other blocks."""
        return yaml.safe_dump({**self.edge.site, **changes}, sort_keys=False)

    def push(self, text: str, fragment: str = BASE) -> versions.Candidate:
        """Push on top of what runs."""
        heads = {part.name: part.ref for part in self.ask(versions.Situation(1)).fragments}
        pushed = self.ask(versions.Push(2, fragment, text, heads.get(fragment)))
        assert isinstance(pushed, versions.Candidate), pushed
        return pushed

    def apply(self, text: str, fragment: str = BASE, within: int | None = None) -> Any:
        """Push and apply."""
        return self.ask(versions.ApplyVersion(3, self.push(text, fragment).ref, within))

    def addresses(self) -> set[str]:
        """Give the addresses of the SDN side as the kernel has them."""
        found = self.edge.route("edge", lambda route: route.get_addr(index=route.link_lookup(ifname="sdn0")[0]))
        return {message.get_attr("IFA_ADDRESS") for message in found if message["family"] == socket.AF_INET}

    def calls(self) -> int:
        """Give the limit of calls of the site that is active."""
        return int(yaml.safe_load((self.edge.directory / "state/active.yaml").read_text())["limits"]["calls"])

    def start_to_be_killed(self, step: int) -> None:
        """Start gatewayd so that it dies at a step."""
        for name in ("armed", "steps"):
            (self.edge.directory / name).unlink(missing_ok=True)
        usual = self.edge.command()
        begin = [sys.executable, "-m", "tests.system.versions.killed", str(step), str(self.edge.directory)]
        self.edge.command = lambda *arguments: [*begin, *usual[3:], *arguments]  # type: ignore[method-assign]
        try:
            self.edge.start()
        finally:
            del self.edge.command


@pytest.fixture
def appliance() -> Iterator[Appliance]:
    with edge() as made:
        yield Appliance(made)
