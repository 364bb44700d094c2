"""The examples of the documentation are site files, and calls go where their tables say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from b2bua.call.gateway import Gateway
from b2bua.call.plan import Plan
from gatewayd.signalling import signalling
from tests.b2bua.call.world import Counting
from vdx import site

PAGE = Path(__file__).parents[2] / "docs" / "examples.md"
SATURDAY = 1_800_100_000.0  # 2027-01-16, in the morning
BASE = """\
name: edge1
zones:
  sdn:
    interface: sdn0
    addresses: [198.18.0.10/24]
    sip: [{transport: udp, address: 198.18.0.10}, {transport: tcp, address: 198.18.0.10}]
  internet:
    interface: net0
    addresses: [192.0.2.10/24]
    sip:
      - {transport: tcp, address: 192.0.2.10}
      - {transport: tls, address: 192.0.2.10, certificate: /c.pem, key: /c.key, trust: /t.pem}
  core:
    interface: core0
    addresses: [10.0.0.1/24]
    sip: [{transport: tcp, address: 10.0.0.1}]
upstream: {zone: internet, dns: [192.0.2.53]}
peers:
  hospital: {zone: sdn, sources: [198.18.1.0/24], target: {address: 198.18.1.10}}
"""


def sections() -> list[Any]:
    """Give name, site file and table rows of each example."""
    found = []
    for part in PAGE.read_text().split("\n## ")[1:]:
        title = part.partition("\n")[0]
        (block,) = re.findall(r"```yaml\n(.*?)```", part, re.DOTALL)
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"(?m)^\|.*\|$", part)]
        found.append(pytest.param(block, rows[2:], id=title))
    return found


def merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Put two site files together, block by block."""
    result = dict(one)
    for key, value in other.items():
        result[key] = merged(result[key], value) if isinstance(value, dict) and key in result else value
    return result


@pytest.mark.parametrize(("block", "rows"), sections())
def test_an_example_does_what_it_says(block: str, rows: list[list[str]]) -> None:
    text = yaml.safe_dump(merged(yaml.safe_load(BASE), yaml.safe_load(block)), sort_keys=False)
    gateway = Gateway(Counting("gw"), lambda _record: None, lambda: SATURDAY)
    gateway.plan = Plan("v1", signalling(site.parse(text.encode())))
    assert rows
    for source, dialled, expected in rows:
        explanation = gateway.explain(source, dialled)
        steps, _ = explanation.finish({}, 0.0)
        told = "\n".join(f"{step.step}: {step.text}" for step in steps)
        if expected.isdecimal():
            assert explanation.status == int(expected), told
        else:
            assert f" leads to {expected}\n" in f"{told}\n", told


def test_every_example_is_there() -> None:
    assert len(sections()) >= 5
