"""Contents that were read lately: who changes one fragment does not wait until all others are read again.

Reading YAML takes most of the time of putting a site together: seconds for ten thousand agreements.
"""

from __future__ import annotations

import hashlib
import threading

from gatewayd.config.whole import Source
from vdx.site.source import Text, read

MAX_BYTES = 4 * 1024 * 1024
"""Of the texts that are kept together; as data and lines they take some forty times as much memory."""


class Parsed:
    """What was read, the one used longest ago goes first. Nobody may change what they get."""

    def __init__(self, most: int = MAX_BYTES) -> None:
        self._most = most
        self._kept: dict[tuple[str, bytes], tuple[Text, int]] = {}
        self._lock = threading.Lock()

    def read(self, source: Source) -> Text:
        """Give a text as data with lines; raises `SiteError`."""
        key = (source.file, hashlib.sha256(source.text).digest())
        with self._lock:
            if found := self._kept.pop(key, None):
                self._kept[key] = found
                return found[0]
        text = read(source.text, source.file)
        with self._lock:
            self._kept[key] = (text, len(source.text))
            while sum(size for _, size in self._kept.values()) > self._most:
                del self._kept[next(iter(self._kept))]
        return text
