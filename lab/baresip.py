"""The configuration of a baresip 1.0 user agent without screen or sound card, as Debian 12 has it.

The video is a moving test picture (libavfilter's testsrc2 read by baresip's avformat), the audio a file. Both are
encoded, sent, received and decoded for real. baresip 1.0 plays to no file, so it plays to a bridge that nobody listens
to, and records by a filter (a dump-*-decode.wav of what it heard, dump-*-encode.wav of what it said) where asked.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lab.topology import SIP_PORT

CALLER_PORT = SIP_PORT + 2  # whoever calls leaves the SIP port to one who is called, so a host can do both
CONTROL_PORTS = {SIP_PORT: 4444, CALLER_PORT: 4445}  # on the loopback of the agent's own host, by its SIP port
RTP_PORTS = (20000, 20999)
SOUND_RATE = 16000  # of the file; baresip resamples to the codec's

MODULES = (
    *("menu", "ctrl_tcp"),
    *("g711", "g722", "opus", "aufile", "aubridge"),
    *("avcodec", "avformat", "swscale", "fakevideo"),
    *("account", "contact"),  # after the codecs: an account names them
)


ALL_CODECS = "audio_codecs=opus/48000/2,g722/16000/1,pcma/8000/1;video_codecs=H264"


@dataclass(frozen=True, slots=True)
class Registrar:
    """Where an agent registers, and how it logs in there."""

    address: str
    password: str
    transport: Literal["udp", "tcp"] = "udp"
    seconds: int = 60


@dataclass(frozen=True, slots=True)
class Secure:
    """What an agent speaks TLS with, and how it encrypts media: by keys in the signalling, or DTLS-SRTP."""

    certificate: Path
    key: Path
    root: Path
    media: Literal["srtp-mand", "dtls_srtp"] = "dtls_srtp"


@dataclass(frozen=True, slots=True)
class AgentPlan:
    """One user agent: its user name, its address and the files it reads and writes."""

    user: str
    address: str
    directory: Path
    sound: Path
    port: int = SIP_PORT
    record: bool = False  # 23 MB a minute
    modules: str = "/usr/lib/baresip/modules"
    registrar: Registrar | None = None
    codecs: str = ALL_CODECS
    secure: Secure | None = None

    @property
    def pair(self) -> Path:
        """Return the file with its certificate and key, which baresip reads as one."""
        return self.directory / "pair.pem"

    @property
    def root(self) -> Path:
        """Return the file of whom it trusts."""
        return self.directory / "root.pem"

    @property
    def socket(self) -> str:
        """Return address and port as SIP writes them."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}"

    @property
    def control(self) -> tuple[str, int]:
        """Return where the agent is steered."""
        return "127.0.0.1", CONTROL_PORTS[self.port]

    @property
    def source(self) -> str:
        """Return the audio source as baresip names it."""
        return f"aufile,{self.sound}"


def config(plan: AgentPlan) -> str:
    """Return baresip's `config`."""
    settings = [
        ("poll_method", "epoll"),
        ("sip_listen", plan.socket),
        ("net_interface", plan.address),  # an address, not a name: media then keeps to the family of the signalling
        ("rtp_ports", "{}-{}".format(*RTP_PORTS)),
        ("rtp_stats", "yes"),
        ("audio_source", plan.source),
        ("audio_player", "aubridge,nobody"),
        ("audio_alert", "aufile,/dev/null"),
        ("ausrc_srate", str(SOUND_RATE)),
        ("ausrc_channels", "1"),
        ("ausrc_format", "s16"),
        ("auplay_format", "s16"),
        ("auenc_format", "s16"),
        ("audec_format", "s16"),
        ("video_source", "avformat,lavfi,testsrc2=size=640x360:rate=25"),
        ("video_display", "fakevideo,nil"),
        ("video_size", "640x360"),
        ("video_bitrate", "500000"),
        ("video_fps", "25"),
        ("statmode_default", "off"),  # no line every 100 ms in the log
        ("ctrl_tcp_listen", "{}:{}".format(*plan.control)),
        ("module_path", plan.modules),
    ]
    lines = [f"{key}\t{value}" for key, value in settings]
    modules: tuple[str, ...] = MODULES
    if plan.secure:
        lines += [f"sip_certificate\t{plan.pair}", f"sip_cafile\t{plan.root}"]
        modules = ("srtp", "dtls_srtp", *modules)
    if plan.record:
        lines.append(f"snd_path\t{plan.directory}")
        modules = ("sndfile", *modules)
    lines += [f"module\t{module}.so" for module in modules]
    return "\n".join(lines) + "\n"


def accounts(plan: AgentPlan) -> str:
    """Return baresip's `accounts`: one that answers by itself, and registers where the plan says so."""
    to = plan.registrar
    where = to.address if to else plan.address
    transport = to.transport if to else "tls" if plan.secure else ""
    host = f"[{where}]" if ":" in where else where
    account = (
        f"<sip:{plan.user}@{host}{f';transport={transport}' if transport else ''}>;regint={to.seconds if to else 0}"
    )
    if to:
        account += f";auth_user={plan.user};auth_pass={to.password}"
    if plan.secure:
        account += f";mediaenc={plan.secure.media}"
    return f"{account};answermode=auto;{plan.codecs}\n"
