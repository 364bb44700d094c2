"""What a REGISTER asks for, read within bounds: its contacts, the way to them, the device (RFC 3261 10.3, 20.10)."""

from __future__ import annotations

from dataclasses import dataclass

from b2bua.sip import NameAddr, Refusal, Request, is_writable, parse_name_addr, parse_uri
from b2bua.sip.grammar import parse_number, split_list, unquote
from vdx.access import AccessRules

MAX_CONTACT = 512
"""Characters of a contact, an instance or a value of Path: browsers' are the longest, with about 150."""

MAX_PATH = 4
"""Values of Path: proxies between a device and its registrar; an institution has one or two."""

MAX_AGENT = 64
"""Characters kept of a User-Agent, for operators."""

MAX_REG_ID = 2**31 - 1
"""RFC 5626 11.1: reg-id is below 2**31."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One contact of a REGISTER."""

    address: NameAddr
    key: str
    params: str
    seconds: int
    quality: float


def read_contacts(request: Request, rules: AccessRules, longest: float) -> list[Asked]:
    """Read the contacts of a REGISTER, each for `longest` seconds at most; raises sip.SipError."""
    header = request.get("expires").strip()
    default = int(header) if header.isascii() and header.isdigit() and len(header) <= 10 else rules.usual
    contacts = [part for value in request.all("contact") for part in split_list(value)]
    if len(contacts) > rules.per_user:
        raise Refusal(f"a user has at most {rules.per_user} contacts", 403)
    asked = [_read_one(parse_name_addr(part), default, rules.shortest, int(longest)) for part in contacts]
    if len({one.key for one in asked}) < len(asked):
        raise Refusal("a contact stands twice", 400)
    return asked


def _read_one(address: NameAddr, default: int, shortest: int, longest: int) -> Asked:
    uri = parse_uri(address.uri)  # 10.3, step 6: SIP and SIPS are what calls can go to
    if len(address.uri) > MAX_CONTACT or uri.headers or not is_writable(address.uri):
        raise Refusal("the contact is too long, or cannot stand in a request", 400)
    text = address.params.get("expires", "")
    # 20.10: an expires that cannot be read counts as none
    seconds = int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else default
    if 0 < seconds < shortest:
        raise Refusal(f"{seconds} s is too brief", 423, (("Min-Expires", str(shortest)),))
    instance, reg_id = address.params.get("+sip.instance", ""), address.params.get("reg-id", "")
    if len(instance) > MAX_CONTACT or not is_writable(instance):
        raise Refusal("the instance is too long, or cannot stand in a message", 400)
    number = parse_number(reg_id, MAX_REG_ID) if reg_id else 0
    params = f";+sip.instance={instance}" if instance else ""
    key = _key(address.uri)
    if instance and number:
        params += f";reg-id={number}"
        key = f"{unquote(instance)} {number}"
    return Asked(address, key, params, min(seconds, longest), _quality(address.params.get("q", "")))


def read_path(request: Request) -> tuple[str, ...]:
    """Read Path (RFC 3327 5.3): the proxies that a call has to pass, first the nearest to us."""
    values = tuple(part for value in request.all("path") for part in split_list(value))
    if len(values) > MAX_PATH or any(len(value) > MAX_CONTACT or not is_writable(value) for value in values):
        raise Refusal(f"Path has over {MAX_PATH} values, or one that is too long", 400)
    for value in values:
        parse_uri(parse_name_addr(value).uri)
    return values


def is_direct(request: Request) -> bool:
    """Tell whether a request shows no proxy on its way here: what came over its connection is its sender's alone."""
    vias = request.all("via")
    return len(vias) == 1 and len(split_list(vias[0])) == 1 and "path" not in request.index


def keeps_connection(request: Request, asked: list[Asked], path: tuple[str, ...]) -> bool:
    """Tell whether the device keeps its connection up for us (RFC 5626 6); 439 where a proxy between does not."""
    if not any(";reg-id=" in one.params for one in asked):
        return False
    if "outbound" not in {name.lower() for name in request.tokens("supported")}:
        return False
    hops = sum(len(split_list(value)) for value in request.all("via"))
    if hops > 1 and (not path or "ob" not in parse_uri(parse_name_addr(path[-1]).uri).params):
        raise Refusal("the first hop does not support outbound", 439)
    return True


def agent_of(request: Request) -> str:
    """Give what a device calls itself, as far as operators can read it."""
    text = request.get("user-agent")[:MAX_AGENT]
    return text if text.isprintable() else ""


def _key(text: str) -> str:
    """Write a contact so that equal ones are equal text, as far as devices differ (19.1.4)."""
    uri = parse_uri(text)
    params = ";".join(f"{name}={uri.params[name].lower()}" for name in ("transport", "user") if name in uri.params)
    return f"{uri.scheme}:{uri.user}@{uri.host.lower()}:{uri.port or ''};{params}"


def _quality(text: str) -> float:
    """Read a q value (20.10): 0 to 1, 1 for what cannot be read."""
    try:
        value = float(text)
    except ValueError:
        return 1.0
    return value if 0 <= value <= 1 else 1.0
