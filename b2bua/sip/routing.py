"""Which transaction a request belongs to and where its answers go (RFC 3261 17.2.3, 18.2, RFC 3581)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from b2bua.sip.flow import Flow, Target
from b2bua.sip.grammar import split_list

if TYPE_CHECKING:
    from b2bua.sip.message import Request

COOKIE = "z9hG4bK"


def transaction_key(request: Request, flow: Flow) -> str:
    """Give what tells a transaction from others: branch, sent-by and method (ACK counts as INVITE), per zone.

    Without the cookie of RFC 3261 (or with nothing after it, RFC 4475 3.2.1) the fields of RFC 2543 serve.
    """
    method = "INVITE" if request.method == "ACK" else request.method
    via = request.via
    branch = via.branch
    if branch.startswith(COOKIE) and len(branch) > len(COOKIE):
        return f"{flow.zone} {branch} {via.host}:{via.port} {method}"
    return (
        f"{flow.zone} {request.uri} {request.from_.tag} {request.call_id} {request.cseq.number} "
        f"{via.host}:{via.port} {branch} {method}"
    )


def answer_path(request: Request, flow: Flow) -> Flow:
    """Say where answers to `request` go: back on its flow, for UDP without rport to the port of its Via.

    A deviation from 18.2.2: maddr is not followed and the address is always the one the request came from, so that
    nobody can aim our answers at a third party, a broadcast or a multicast address (RFC 4475 3.3.10).
    """
    if flow.transport != "udp":
        return flow
    via = request.via
    port = via.port or 5060
    if "rport" in via.params or port == flow.remote[1]:
        return flow
    return replace(flow, remote=(flow.remote[0], port))


def same_path(to: Flow | Target, flow: Flow) -> bool:
    """Tell whether what was sent to `to` went over `flow`: by its name, or as the address it was opened to."""
    if isinstance(to, Target):
        return (to.zone, to.transport, to.host, to.port) == (flow.zone, flow.transport, *flow.remote)
    return to == flow


def answer_via(request: Request, flow: Flow) -> str:
    """Give the topmost Via line for answers, with received (18.2.1) and rport (RFC 3581 4) filled in."""
    values = split_list(request.index["via"][0])
    via = request.via
    top = values[0]
    host, port = flow.remote
    if via.params.get("rport") == "":
        params = [part for part in top.split(";")[1:] if part.strip().lower() not in {"rport", ""}]
        kept = "".join(f";{part}" for part in params if not part.strip().lower().startswith("received"))
        top = f"{top.partition(';')[0]}{kept};received={host};rport={port}"
    elif via.host != host and "received" not in via.params:
        top = f"{top};received={host}"
    if len(values) > 1:
        top = ", ".join((top, *values[1:]))
    return top
