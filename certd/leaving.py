"""Connections that leave from one address of ours: it picks the routes of its zone."""

from __future__ import annotations

from typing import Any

from requests.adapters import HTTPAdapter


class FromZone(HTTPAdapter):
    """What a session of `requests` is mounted with."""

    def __init__(self, address: str) -> None:
        self._address = address
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - as requests declares it
        """Make the pool whose sockets are bound."""
        super().init_poolmanager(*arguments, **options, source_address=(self._address, 0))
