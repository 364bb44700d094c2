"""Which form of the hot modules is under test: the sources, or with VDX_COMPILED=1 what `tools/compile` made."""

from __future__ import annotations

import importlib
import os
from pathlib import Path

import pytest

from setup import modules

ROOT = Path(__file__).parent.parent
COMPILED = os.environ.get("VDX_COMPILED") == "1"


@pytest.mark.parametrize("name", modules())
def test_the_form_that_was_asked_for_is_under_test(name: str) -> None:
    module = importlib.import_module(name.removesuffix(".py").replace("/", "."))
    assert module.__file__
    path = Path(module.__file__)
    assert path.is_relative_to(ROOT / "build" / "compiled") == COMPILED
    assert (path.suffix == ".so") == COMPILED


def test_the_list_names_what_is_there() -> None:
    assert len(modules()) > 40
    assert all((ROOT / name).is_file() for name in modules())
