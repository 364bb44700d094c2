"""The numbers of `b2bua`, from what the gateway and its sockets hold. Pure: read when somebody asks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from b2bua.call.accounts import SETUP_BOUNDS
from b2bua.call.gateway import Gateway
from vdx.metrics import Histogram, MetricList, Sample, Series

_REFUSED = "refused: "


def metrics(number: int, gateway: Gateway, queued: int, connections: int, lost: int) -> MetricList:
    """Give every series; `queued` octets wait in `connections` for their readers, `lost` records were not written."""
    sizes, counts, accounts = gateway.sizes, gateway.counts, gateway.accounts
    series = (
        _gauge("vdx_calls", "Calls that are up or being set up.", sizes["calls"]),
        _gauge("vdx_calls_unanswered", "Calls that nobody has answered yet.", sizes["unanswered"]),
        _counter("vdx_invites_total", "INVITEs that asked for a call.", counts["invites"]),
        _labelled("vdx_refused_total", "Requests refused before a call began.", "reason", _with(counts, _REFUSED)),
        _labelled(
            "vdx_answers_total",
            "Ended calls by the final answer that the caller heard.",
            "status",
            ((str(status), count) for status, count in sorted(accounts.answers.items())),
        ),
        _counter("vdx_faults_total", "Faults of the program that ended one call each.", counts["faults"]),
        _labelled("vdx_dropped_total", "Messages dropped or refused unread.", "reason", _dropped(gateway)),
        _labelled(
            "vdx_transactions",
            "SIP transactions and dialogs that are held.",
            "kind",
            ((kind, sizes[kind]) for kind in ("clients", "servers", "legs", "timers")),
        ),
        _labelled(
            "vdx_queue_depth",
            "What waits: questions to gatewayd, relayed requests, octets for connections to read.",
            "queue",
            (("questions", sizes["questions"]), ("relayed", sizes["relayed"]), ("octets", queued)),
        ),
        _gauge("vdx_connections", "SIP connections over TCP, TLS and WebSocket.", connections),
        _gauge("vdx_registrations", "Devices that are registered.", gateway.registrations.count()),
        _gauge("vdx_trace_octets", "Octets of messages that are remembered.", gateway.traces.octets),
        _counter("vdx_records_lost_total", "Call records that could not be written.", lost),
    )
    infinite = accounts.setup[float("inf")]
    setup = Histogram(
        "vdx_call_setup_seconds",
        "From INVITE to answer, of answered calls.",
        SETUP_BOUNDS,
        (*(accounts.setup[bound] for bound in SETUP_BOUNDS), infinite),
        accounts.setup_seconds,
    )
    return MetricList(number, series, (setup,))


def _gauge(name: str, told: str, value: float) -> Series:
    return Series(name, "gauge", told, (Sample(value),))


def _counter(name: str, told: str, value: float) -> Series:
    return Series(name, "counter", told, (Sample(value),))


def _labelled(name: str, told: str, label: str, values: Iterable[tuple[str, float]]) -> Series:
    samples = tuple(Sample(value, (text,)) for text, value in values)
    return Series(name, "counter" if name.endswith("_total") else "gauge", told, samples, (label,))


def _with(counts: Mapping[str, int], prefix: str) -> list[tuple[str, float]]:
    return [(name.removeprefix(prefix), count) for name, count in sorted(counts.items()) if name.startswith(prefix)]


def _dropped(gateway: Gateway) -> list[tuple[str, float]]:
    return sorted(gateway.endpoint.dropped.items())
