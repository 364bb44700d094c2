"""Where we listen: an address of a zone, and how the outside knows it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Listener:
    """One bound address. `advertise` is what Via and Contact say where a 1:1 NAT stands before us."""

    zone: str
    transport: str
    address: str
    port: int
    advertise: tuple[str, int] | None = None

    @property
    def sent_by(self) -> tuple[str, int]:
        """Host and port that peers see."""
        return self.advertise or (self.address, self.port)
