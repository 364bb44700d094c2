"""`make fuzz`: every target under atheris for its share of the time; what it finds is kept and ends the run with 1.

    python -m tests.fuzz [--seconds 600] [--only TARGET]

Inputs that went on finding new paths are kept in build/fuzz/, so that the next run begins where this one ended.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import subprocess
import sys
from pathlib import Path

from tests.fuzz import seeds
from tests.fuzz.targets import TARGETS

BUILD = Path(__file__).parents[2] / "build" / "fuzz"
INPUT_SECONDS = 10
"""One input that takes longer is a finding: libFuzzer ends with it."""

MEMORY_MIB = 2048
"""One that takes more than this is one too."""

OURS = {"b2bua", "vdx", "gatewayd", "tests"}


def main() -> int:
    """Run the targets one after the other, each in a process of its own."""
    parser = argparse.ArgumentParser(prog="make fuzz", description="Fuzz what reads foreign octets.")
    parser.add_argument("--seconds", type=int, default=600, help="for all targets together (%(default)s)")
    parser.add_argument("--only", choices=TARGETS, help="one target")
    parser.add_argument("--inside", choices=TARGETS, help=argparse.SUPPRESS)
    options, rest = parser.parse_known_args()
    if options.inside:
        _fuzz(options.inside, rest)
    names = [options.only] if options.only else list(TARGETS)
    shares = sum(TARGETS[name].share for name in names)
    failed = [name for name in names if not _ran(name, options.seconds * TARGETS[name].share // shares)]
    for name in failed:
        _say(f"{name}: found something, see {BUILD / name}/found-*")
    return 1 if failed else 0


def _ran(name: str, seconds: int) -> bool:
    corpus = BUILD / name / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for data in seeds.of(name):
        (corpus / _named(data)).write_bytes(data)
    _say(f"{name}: {seconds} s")
    command = [
        *(sys.executable, "-m", "tests.fuzz", "--inside", name, str(corpus)),
        f"-max_total_time={max(seconds, 1)}",
        f"-max_len={TARGETS[name].longest}",
        f"-timeout={INPUT_SECONDS}",
        f"-rss_limit_mb={MEMORY_MIB}",
        f"-artifact_prefix={BUILD / name}/found-",
        "-print_final_stats=1",
        "-verbosity=0",
    ]
    return subprocess.run(command, check=False).returncode == 0


def _fuzz(name: str, arguments: list[str]) -> None:
    """Instrument what is ours and fuzz it; does not return."""
    import atheris  # noqa: PLC0415 - only here: it comes with tools/setup-fuzz

    with atheris.instrument_imports(include=["b2bua", "vdx", "gatewayd"]):
        import importlib  # noqa: PLC0415

        for module in [
            module for module in sys.modules if module.split(".")[0] in {"b2bua", "vdx", "gatewayd", "tests"}
        ]:
            del sys.modules[module]
        target = importlib.import_module("tests.fuzz.targets").TARGETS[name]
    logging.disable()

    def kept(data: bytes) -> None:
        try:
            target.run(data)
        except BaseException:
            path = BUILD / name / f"found-{_named(data)}"
            path.write_bytes(data)
            _say(f"{name}: input kept as {path}")
            raise

    atheris.Setup([sys.argv[0], *arguments], kept)
    atheris.Fuzz()


def _named(data: bytes) -> str:
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
