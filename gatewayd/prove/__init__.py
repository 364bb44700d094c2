"""The proof of a policy in the kernel: real packets through a candidate's ruleset, before it is applied.

``launch`` (starts the prover and reads its report), ``order`` (what it is told); then the program itself, within
``gatewayd.sandbox``: ``ground`` (the throw-away network), ``frames`` (packets), ``reach``, ``claims`` and ``probes``
(which packets; pure), ``proof`` (sends them and compares). ``units`` are those of systemd.
"""

from __future__ import annotations

from gatewayd.prove.launch import start

__all__ = ["start"]
