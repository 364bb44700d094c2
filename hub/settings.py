"""The hub's configuration: one YAML file, unknown keys are errors; secrets stand in files of their own."""

from __future__ import annotations

import os
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pydantic
import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from hub.domain.words import DirectMedia, Quality, Role, View, VmrType
from hub.errors import SettingsError

MAX_BYTES = 1 << 20
"""Bytes of the file: it has some dozens of keys."""


LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""Ourselves: what is said there needs no TLS."""


CREDENTIALS = "/run/credentials/vdx-hub.service"
"""Where what systemd handed to the hub is found by commands that it did not start, such as `hub verify`."""


def _handed(value: object) -> object:
    if not isinstance(value, dict):
        return value
    name = value.get("credential")
    if set(value) != {"credential"} or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", str(name)):
        raise ValueError("write the path of a file, or {credential: NAME} for what systemd hands in (LoadCredential=)")
    return Path(os.environ.get("CREDENTIALS_DIRECTORY", CREDENTIALS)) / str(name)


SecretFile = Annotated[Path, BeforeValidator(_handed)]
"""A file that holds one secret: its path, or the name of a systemd credential."""


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

    `jwks` is a URL or the path of a file. `issuer_key` in its place is the file of the built-in issuer's private key:
    for use on one machine, not for production, since whoever reads it may be anybody. `leeway` in seconds: how far
    clocks may differ.
    """

    issuer: str
    audience: str | None = None
    jwks: str = ""
    issuer_key: Path | None = None
    leeway: int = Field(default=30, ge=0, le=300)
    organisation_claim: str = "organisation_id"
    email_claim: str = "email"
    role_claim: str = "userrole"
    parent_claim: str = "parent_org"

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if bool(self.jwks) == (self.issuer_key is not None):
            raise ValueError("give `jwks` (the keys of your login), or for one machine `issuer_key`, not both")
        return self

    @property
    def keys(self) -> str:
        """Where the keys are that tokens are verified with."""
        return self.jwks or str(self.issuer_key)


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
    credentials: SecretFile | None = None
    trust: Path | None = None
    pin_key: SecretFile


class Provisioning(Part):
    """Who makes rooms: we do, except for organisations whose rooms an outside provisioner fetches by the API.

    `outside` holds their codes; without a bus it is everybody. A provisioner that has agreements sees what they cover;
    `require_agreement`: one that has none sees nothing.
    """

    outside: tuple[str, ...] = ()
    require_agreement: bool = False


class Pools(Part):
    """Rooms that are made beforehand. `overflow`: the organisation whose pool serves when another is empty."""

    minimum_age_seconds: int = Field(default=60, ge=0)
    overflow: str | None = None


def _origin(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in LOOPBACK:
        raise ValueError(f"{url!r}: must begin with https://")
    if not parts.netloc or parts.query or parts.fragment:
        raise ValueError(f"{url!r}: give an address such as https://login.example/realms/vdx")
    return url.rstrip("/")


class IdentityProvider(Part):
    """Where the people of an organisation log in (OpenID Connect); it may speak for those below it, for nobody else.

    `secret`: file of the client's secret; without one the client is public and proves itself by PKCE alone.
    `organisation_claim`: names an organisation below; without it everybody is of `organisation`. `roles`: what values
    of `role_claim` mean; empty where they are the names of our roles. `second_factor_acr`, `second_factor_amr`: what
    the provider says of somebody who has shown a second factor; it is asked for the first of `second_factor_acr`.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,64}$")]
    title: Annotated[str, Field(min_length=1, max_length=100)]
    organisation: str
    issuer: Annotated[str, AfterValidator(_origin)]
    client: str
    secret: SecretFile | None = None
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    organisation_claim: str | None = None
    email_claim: str = "email"
    role_claim: str = "userrole"
    roles: dict[str, Role] = {}
    second_factor_acr: tuple[str, ...] = ()
    second_factor_amr: tuple[str, ...] = ("mfa", "otp", "hwk", "sc")


class BreakGlass(Part):
    """The sealed account for when no identity provider answers.

    `seal`: the file that `hub seal` writes, with the digest of the passphrase; whoever opens it administers
    `organisation`.
    """

    seal: Path
    organisation: str


class People(Part):
    """How people log in. `public`: scheme and host that browsers know us by, such as https://hub.example."""

    public: Annotated[str, AfterValidator(_origin)]
    providers: tuple[IdentityProvider, ...] = ()
    break_glass: BreakGlass | None = None

    @model_validator(mode="after")
    def _names(self) -> Self:
        names = [each.name for each in self.providers]
        if len(set(names)) < len(names):
            raise ValueError("two providers have the same name")
        return self


class Classes(Part):
    """Keys of `additionalInformation` that name class and field of use, where an organisation lets clients do so."""

    use_key: str = "vdx-class"
    field_key: str = "vdx-field"


class Registrar(Part):
    """Room systems that register at the edge. `realm`: that of its site file; changed, every password is set anew.

    `peer`: as which peer of the site file they register; calls from it are told by their user names.
    """

    realm: Annotated[str, Field(pattern=r'^[^"\\\x00-\x1f:]{1,100}$')] = "vdx"
    peer: Annotated[str, Field(max_length=64)] = ""


class Mail(Part):
    """Where mails go. `tls`: how the connection is made safe: `starttls`, `implicit`, or `none` on one machine alone.

    `sender`: the address they come from; answers go to the organiser. `password`: a file.
    """

    host: str
    port: int = Field(default=587, ge=1, le=65535)
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    trust: Path | None = None
    user: str | None = None
    password: SecretFile | None = None
    sender: Annotated[str, Field(pattern=r"^[^\s@<>]{1,64}@[A-Za-z0-9.-]{1,134}$")]
    sender_name: Annotated[str, Field(max_length=100)] = "Video"

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if self.tls == "none" and self.host not in LOOPBACK:
            raise ValueError("tls: `none` is for a mail server on this machine: use starttls or implicit")
        return self


class Sms(Part):
    """The gateway of text messages: it is POSTed `{to, message, sender, reference}` with the key as bearer token.

    `sender`: shown where the organisation has no name of its own. `callback_hosts`: where organisations may be told
    what became of a message.
    """

    url: Annotated[str, AfterValidator(_origin)]
    key: SecretFile | None = None
    sender: Annotated[str, Field(max_length=11)] = "Video"
    callback_hosts: tuple[str, ...] = ()


class Post(Part):
    """How people who are invited are reached. `tell_portal`: the portal's link names the invitation, to report back."""

    mail: Mail | None = None
    sms: Sms | None = None
    tell_portal: bool = False


class Personal(Part):
    """What is kept about people, and how long. Days count from the meeting, the call or the entry in the journal.

    `refuse_personal_numbers`: citizens' numbers are refused in free text. `addresses_on_bus`: audit events on the bus
    name people by mail address, as the original's do, not by the pseudonyms of the journal.
    """

    refuse_personal_numbers: bool = True
    addresses_on_bus: bool = False
    call_detail_days: int = Field(default=30, ge=1, le=3650)
    names_days: int = Field(default=90, ge=1, le=3650)
    journal_days: int = Field(default=5 * 365, ge=180, le=3650)


class ApiClient(Part):
    """A client of the issuer's that may get tokens by its `secret` (a file), at the token endpoint `url`."""

    url: Annotated[str, AfterValidator(_origin)]
    id: Annotated[str, Field(min_length=1, max_length=200)]
    secret: SecretFile


class HealthCheck(Part):
    """How the hub looks at itself: it books a meeting of `organisation` every so many minutes, and ends it.

    With a `client` it also gets a token from the issuer, and takes it as the API does.
    """

    organisation: str
    client: ApiClient | None = None
    email: str = "healthcheck@hub.invalid"
    every_minutes: int = Field(default=5, ge=1, le=1440)
    patience_seconds: int = Field(default=120, ge=1, le=600)


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
    people: People | None = None
    classes: Classes = Classes()
    registrar: Registrar = Registrar()
    post: Post = Post()
    personal: Personal = Personal()
    healthcheck: HealthCheck | None = None


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
