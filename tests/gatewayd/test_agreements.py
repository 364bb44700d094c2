from __future__ import annotations

import asyncio

import pytest

from gatewayd import agreements
from nft.errors import NftError


class Versions:
    """Stands for the versions; answers as told, then ends the test."""

    def __init__(self, *answers: float | NftError) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def keep(self) -> float:
        self.asked += 1
        if not self.answers:
            raise asyncio.CancelledError
        answer = self.answers.pop(0)
        if isinstance(answer, NftError):
            raise answer
        return answer


def test_agreements_are_looked_at_again_when_it_is_due_also_after_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    versions, slept = Versions(7.0, NftError("the kernel refused"), 600.0), []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(agreements.watch(versions))
    assert slept == [7.0, agreements.AGAIN_SECONDS, 600.0]
    assert versions.asked == 4
