"""What crosses, is lost, forks and comes early, over TLS: the same scenarios as over UDP and TCP."""

from __future__ import annotations

import pytest

from tests.system.races import *  # noqa: F403 - every scenario, by its name

pytestmark = pytest.mark.system
