"""What a look at the whole machine shows, with advice: `gatewayctl system doctor`.

Each look reads one part of the machine and gives findings; what is as it should be is a finding as well, so that an
operator sees what was looked at.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from gatewayd.system import around, paths
from gatewayd.system.finding import FULL, Finding, Grade
from vdx import site
from vdx.errors import VdxError
from vdx.site.model import Site

EXPIRY_DAYS = 14
"""Days before its end from which a certificate is told of: an authority of people needs a week."""

CLOCK_SECONDS = 0.1
"""Off the true time: TLS bears more, call records and traces of two appliances do not."""

DROPS = 1e-4
"""Of packets a card dropped, from which a picture shows it."""


def examine(system: Path = Path("/"), run_dir: Path = Path("/run/vdx")) -> list[Finding]:
    """Look at everything; nothing is changed."""
    looks: tuple[Callable[[], Iterator[Finding]], ...] = (
        lambda: clock(_run("chronyc", "-c", "tracking")),
        lambda: certificates(system, datetime.now(UTC)),
        lambda: links(system, _site(system)),
        lambda: queues(system),
        lambda: conntrack(system),
        lambda: disk(system),
        lambda: memory(system),
        lambda: around.name_servers(_site(system)),
        lambda: around.gateway(_site(system), run_dir),
    )
    found: list[Finding] = []
    for look in looks:
        try:
            found += look()
        except (OSError, ValueError, VdxError) as error:
            found.append(Finding("look", "doctor", f"could not look: {error}"))
    return found


def clock(tracking: str) -> Iterator[Finding]:
    """Read what `chronyc -c tracking` told: reference, stratum, seconds off."""
    fields = tracking.strip().split(",")
    if len(fields) < 14 or fields[0] in ("", "00000000"):
        yield Finding("bad", "clock", "follows no time server", "Name them in `upstream.ntp` and let UDP 123 pass")
        return
    off = abs(float(fields[4]))
    grade: Grade = "well" if off < CLOCK_SECONDS else "bad"
    yield Finding(grade, "clock", f"{off * 1000:.3f} ms off, stratum {fields[2]}")


def certificates(system: Path, now: datetime) -> Iterator[Finding]:
    """Read every certificate that is kept here."""
    homes = (paths.SITE, paths.CREDENTIALS / "mgmt", paths.STATE / "certificates")
    for home in homes:
        for path in sorted((system / home.relative_to("/")).rglob("*.pem")):
            content = path.read_bytes()
            if b"BEGIN CERTIFICATE" not in content:
                continue
            ends = min(each.not_valid_after_utc for each in x509.load_pem_x509_certificates(content))
            days = (ends - now).total_seconds() / 86400
            grade: Grade = "bad" if days <= 0 else "look" if days < EXPIRY_DAYS else "well"
            advice = "" if grade == "well" else "Renew it; `gatewayctl status` tells whether certd tries"
            yield Finding(grade, f"certificate {path.name}", f"ends {ends:%Y-%m-%d}", advice)


def links(system: Path, told: Site | None) -> Iterator[Finding]:
    """Read link, speed, drops and MTU of each zone's interface."""
    for name, zone in told.zones.items() if told else ():
        home = system / "sys/class/net" / zone.interface
        about = f"zone {name} ({zone.interface})"
        if not home.is_dir():
            yield Finding("bad", about, "no such interface", "Name the card in the setup, or change `interface`")
            continue
        if _number(home / "carrier") != 1:
            yield Finding("bad", about, "no link", "Look at cable, transceiver and the switch's port")
            continue
        speed = _number(home / "speed")
        mtu, wanted = _number(home / "mtu"), _mtu(told, zone.interface)
        if wanted is not None and mtu != wanted:
            yield Finding(
                "bad", about, f"MTU is {mtu} and should be {wanted}", "Apply the site file again, which sets it"
            )
        if _text(home / "duplex") == "half":
            advice = "Set card and switch port both to negotiate: one side alone that is fixed makes this"
            yield Finding("bad", about, f"{speed} Mbit/s in half duplex: packets collide", advice)
        got, lost = (_number(home / "statistics" / each) or 0 for each in ("rx_packets", "rx_dropped"))
        lost += _number(home / "statistics/rx_missed_errors") or 0
        if got and lost / got > DROPS:
            yield Finding(
                "look",
                about,
                f"{lost} of {got} packets dropped by the card",
                "A card with larger rings, or less on this one",
            )
        else:
            yield Finding(
                "well", about, f"up, {f'{speed} Mbit/s' if speed and speed > 0 else 'no speed told'}, MTU {mtu}"
            )


def queues(system: Path) -> Iterator[Finding]:
    """Tell cards whose packets all go to one processor, where there are several."""
    processors = os.cpu_count() or 1
    for home in sorted((system / "sys/class/net").glob("*/device")):
        queues_ = sorted((home.parent / "queues").glob("rx-*"))
        steered = any(set((each / "rps_cpus").read_text().strip()) - set("0,") for each in queues_)
        if processors > 1 and len(queues_) == 1 and not steered:
            text = "one receive queue, and no steering of packets (RPS)"
            yield Finding("look", home.parent.name, text, "Above 300 Mbit/s, take a card with several queues")
        else:
            yield Finding("well", home.parent.name, f"{len(queues_)} receive queues for {processors} processors")


def conntrack(system: Path) -> Iterator[Finding]:
    """Read how full the table of connections is; relayed media is not in it."""
    home = system / "proc/sys/net/netfilter"
    count, most = _number(home / "nf_conntrack_count"), _number(home / "nf_conntrack_max")
    if count is not None and most:
        grade: Grade = "look" if count / most > FULL else "well"
        yield Finding(
            grade, "connections", f"{count} of {most}", "" if grade == "well" else "Somebody scans, or see policy"
        )


def disk(system: Path) -> Iterator[Finding]:
    """Read how full the data partition is, and whether it could be used at all."""
    broken = system / paths.START.relative_to("/") / "data-broken"
    if broken.exists():
        yield Finding("bad", "data", broken.read_text().strip(), "Save it if you can, then factory reset and restore")
    found = os.statvfs(system / "var")
    used = 1 - found.f_bavail / found.f_blocks if found.f_blocks else 1.0
    grade: Grade = "bad" if used > FULL else "well"
    advice = "" if grade == "well" else "Shorten `records.days`: the journal keeps within bounds by itself"
    yield Finding(grade, "data", f"{used:.0%} used of {found.f_blocks * found.f_frsize >> 20} MiB", advice)


def memory(system: Path) -> Iterator[Finding]:
    """Read how much memory is left."""
    told = dict(line.split(":", 1) for line in (system / "proc/meminfo").read_text().splitlines())
    most, left = (int(told[each].split()[0]) for each in ("MemTotal", "MemAvailable"))
    grade: Grade = "look" if left / most < 1 - FULL else "well"
    yield Finding(grade, "memory", f"{left >> 10} of {most >> 10} MiB left")


def _site(system: Path) -> Site | None:
    active = system / paths.STATE.relative_to("/") / "active.yaml"
    return site.load(active).site if active.exists() else None


def _mtu(told: Site | None, interface: str) -> int | None:
    settings = told.interfaces.get(interface) if told else None
    return getattr(settings, "mtu", None)


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:  # of a card whose link just went
        return ""


def _run(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=10).stdout  # noqa: S603 - fixed
    except (OSError, subprocess.TimeoutExpired):
        return ""
