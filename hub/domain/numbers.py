"""Addresses, PINs and short ids: chosen by chance within what a template or a request allows."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from uuid import UUID

from hub.domain.model import NumberRange, Template
from hub.errors import Code, refuse

Random = Callable[[int], int]
"""A number from 0 up to but not including the argument; `secrets.randbelow` in production."""

ADDRESS_TRIES = 10
"""Addresses tried by chance before the free ones are looked for: at half use the chance to miss is 0.1 %."""

SHORT_ID_LENGTH = 12
"""Hexadecimal digits of a short id: 48 bits, so that a meeting is not found by trying."""

CANONICAL = re.compile(r"0|-?[1-9][0-9]{0,18}")
"""A number as it is written by chance: `007` is somebody's own choice."""

CUSTOM_ADDRESS = re.compile(r"[A-Za-z0-9]+")


def address(template: Template, random: Random) -> str:
    """Choose the part before the @; raises `ConflictError` where the template's range is empty."""
    bounds = template.uri_numbers.bounds()
    if bounds is None:
        raise refuse(Code.ADDRESS_SETUP)
    return f"{template.uri_prefix}{_within(bounds, random)}"


def free_address(template: Template, used: set[str], random: Random) -> str | None:
    """Choose among the addresses of a template that are not `used`; None where there is none."""
    low, high = template.uri_numbers.bounds() or (0, -1)
    free = high - low + 1 - sum(_number(template, address) is not None for address in used)
    if free <= 0:
        return None
    skip, number = random(free), low
    for taken in sorted(found for each in used if (found := _number(template, each)) is not None):
        if taken - number > skip:
            break
        skip -= taken - number
        number = taken + 1
    return f"{template.uri_prefix}{number + skip}"


def _number(template: Template, address: str) -> int | None:
    """Read the number of an address that the template could have made."""
    low, high = template.uri_numbers.bounds() or (0, -1)
    digits = address.removeprefix(template.uri_prefix)
    if not address.startswith(template.uri_prefix) or not CANONICAL.fullmatch(digits):
        return None
    return int(digits) if low <= int(digits) <= high else None


def check_custom(address: str, *, allowed: bool) -> None:
    """Refuse an address of the client's own choice that the organisation or the alphabet does not allow."""
    if not allowed:
        raise refuse(Code.NO_CUSTOM_ADDRESS)
    if not CUSTOM_ADDRESS.fullmatch(address):
        raise refuse(Code.ADDRESS_CHARACTERS)


def pins(template: Template, random: Random) -> tuple[int | None, int | None]:
    """Choose the PINs of hosts and guests, None where none is required; raises `ConflictError` for an empty range.

    They differ: with equal ones every guest would come in as host.
    """
    host = _pin(template.host_pins, Code.HOST_PIN_SETUP, random) if template.host_pin_required else None
    guest = _pin(template.guest_pins, Code.GUEST_PIN_SETUP, random) if template.guest_pin_required else None
    if guest is not None and guest == host:
        low, high = template.guest_pins.bounds() or (guest, guest)
        guest = guest + 1 if guest < high else low
    return host, guest


def short_id(seed: UUID) -> str:
    """Make the short id of a random `seed`."""
    return hashlib.sha256(str(seed).encode()).hexdigest()[:SHORT_ID_LENGTH]


def _pin(numbers: NumberRange, code: Code, random: Random) -> int:
    bounds = numbers.bounds()
    if bounds is None:
        raise refuse(code)
    return _within(bounds, random)


def _within(bounds: tuple[int, int], random: Random) -> int:
    low, high = bounds
    return low + random(high - low + 1)
