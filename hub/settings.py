"""The hub's configuration: one YAML file, unknown keys are errors; secrets stand in files of their own."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pydantic
import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from hub.domain.words import DirectMedia, Quality, View, VmrType
from hub.errors import SettingsError

MAX_BYTES = 1 << 20
"""Bytes of the file: it has some dozens of keys."""


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"{name!r} is not a time zone: give one such as Europe/Copenhagen") from None
    return name


class NullInPatch(StrEnum):
    """What a null means in the body of a PATCH.

    The original's text says that it clears the field, its program left the field as it was. Clients that write null for
    everything they don't set work with `ignored` only.
    """

    IGNORED = "ignored"
    CLEARS = "clears"


class Part(BaseModel):
    """A block of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Tokens(Part):
    """Which tokens count (OpenID Connect), and the names of the claims that are read.

    `jwks` is a URL or the path of a file. `leeway` in seconds: how far clocks may differ.
    """

    issuer: str
    audience: str | None = None
    jwks: str
    leeway: int = Field(default=30, ge=0, le=300)
    organisation_claim: str = "organisation_id"
    email_claim: str = "email"
    role_claim: str = "userrole"
    parent_claim: str = "parent_org"


class DefaultTemplate(Part):
    """The template that is made where an organisation has none and inherits none."""

    conferencing_sys_id: int = 22
    uri_prefix: str = ""
    uri_domain: str = "rooms.example"
    uri_number_low: int = 100_000
    uri_number_high: int = 999_999
    host_pin_required: bool = True
    host_pin_low: int = 10_000
    host_pin_high: int = 99_999
    guest_pin_required: bool = True
    guest_pin_low: int = 10_000
    guest_pin_high: int = 99_999
    vmr_available_before: int = 15
    max_participants: int = 0
    end_meeting_on_end_time: bool = False
    ivr_theme: str | None = None
    vmr_type: VmrType = VmrType.CONFERENCE
    host_view: View = View.ONE_MAIN_SEVEN_PIPS
    guest_view: View = View.ONE_MAIN_SEVEN_PIPS
    vmr_quality: Quality = Quality.HD
    direct_media: DirectMedia = DirectMedia.NEVER
    call_type: str | None = None


class BusAddress(Part):
    """Where the bus is. `credentials`: user and password on two lines; `pin_key`: the key that digests PINs."""

    servers: tuple[str, ...]
    name: str = "hub"
    credentials: Path | None = None
    trust: Path | None = None
    pin_key: Path


class Provisioning(Part):
    """Who makes rooms: we do, except for organisations whose rooms an outside provisioner fetches by the API.

    `outside` holds their codes; without a bus it is everybody.
    """

    outside: tuple[str, ...] = ()


class Pools(Part):
    """Rooms that are made beforehand. `overflow`: the organisation whose pool serves when another is empty."""

    minimum_age_seconds: int = Field(default=60, ge=0)
    overflow: str | None = None


class Settings(Part):
    """Everything the hub is told."""

    database: str = "sqlite:///hub.sqlite"
    base_path: str = ""
    tokens: Tokens
    short_link_base: str = "https://m.example/"
    portal_link: str = (
        "https://portal.example/?conference=__uri-with-domain__&pin=__pin__&start_dato=__start-date__"
        "&muteMicrophone=__microphone__&callType=__call-type__&returnUrl=__return-url__&join=1"
    )
    time_zone: Annotated[str, AfterValidator(_zone)] = "Europe/Copenhagen"
    origins: tuple[str, ...] = ()
    null_in_patch: NullInPatch = NullInPatch.IGNORED
    correlation_header: str = "x-request-id"
    default_template: DefaultTemplate = DefaultTemplate()
    pools: Pools = Pools()
    bus: BusAddress | None = None
    provisioning: Provisioning = Provisioning()


def load(path: Path) -> Settings:
    """Read the configuration at `path`; raises `SettingsError` with every fault."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise SettingsError(f"{path}: larger than {MAX_BYTES >> 20} MiB: is this the hub's configuration?")
        parsed = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not YAML: {error}") from error
    try:
        return Settings.model_validate(parsed or {})
    except pydantic.ValidationError as error:
        faults = (f"{path}: {'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise SettingsError("\n".join(faults)) from error
