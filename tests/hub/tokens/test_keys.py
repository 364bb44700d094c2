"""The issuer's keys are read as RFC 7517 has them; a set that is none is no fault of the hub."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest

from hub.errors import AwayError
from hub.tokens.keys import Keys
from tests.hub.issuer import Issuer


def keys(tmp_path: Path, text: str) -> Keys:
    (tmp_path / "jwks.json").write_text(text)
    return Keys(str(tmp_path / "jwks.json"), time.monotonic)


def test_other_members_of_a_set_are_ignored(tmp_path: Path) -> None:
    listed = json.loads(Issuer().jwks()) | {"issued": 1, "of": "us"}
    found = asyncio.run(keys(tmp_path, json.dumps(listed)).current())
    assert [key.kid for key in found.keys] == [listed["keys"][0]["kid"]]


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"keys": 1}', '{"keys": [1]}', '{"keys": [{"kty": "none"}]}'])
def test_what_is_no_set_of_keys_is_as_if_there_were_none(tmp_path: Path, text: str) -> None:
    with pytest.raises(AwayError, match="cannot be had"):
        asyncio.run(keys(tmp_path, text).current())
