from pathlib import Path

import pytest

from lab import compiled


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for tree in (tmp_path, tmp_path / "build" / "compiled"):
        for name in ("vdx/wire.py", "nft/relay.py", "b2bua/sip/uri.py", "b2bua/__init__.py", *compiled.RECIPE):
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_text(f"# {name}\n")
    return tmp_path


def test_what_was_compiled_of_these_sources_is_run(checkout: Path) -> None:
    assert compiled.place({}, checkout) == ("build/compiled", "")


def test_the_sources_can_be_asked_for(checkout: Path) -> None:
    assert compiled.place({"VDX_PURE": "1"}, checkout) == ("", "VDX_PURE=1")


def test_nothing_compiled(tmp_path: Path) -> None:
    folder, why = compiled.place({}, tmp_path)
    assert folder == ""
    assert "nothing is compiled" in why


@pytest.mark.parametrize("name", ["b2bua/sip/uri.py", "vdx/wire.py", *compiled.RECIPE])
def test_a_changed_source_is_run_and_not_its_compiled_form(checkout: Path, name: str) -> None:
    (checkout / name).write_text("# other\n")
    folder, why = compiled.place({}, checkout)
    assert folder == ""
    assert f"{name} has changed" in why


def test_a_new_source(checkout: Path) -> None:
    (checkout / "b2bua/sip/new.py").write_text("")
    assert "b2bua/sip/new.py has changed" in compiled.stale(checkout)


def test_a_source_that_is_gone(checkout: Path) -> None:
    (checkout / "nft/relay.py").unlink()
    assert "nft/relay.py was compiled and is no more" in compiled.stale(checkout)
