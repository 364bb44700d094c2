from __future__ import annotations

import re

from gatewayd.web import document
from gatewayd.web.operations import OPERATIONS
from vdx import api


def test_every_operation_is_described_with_what_it_takes_and_answers() -> None:
    told = document.document("1")
    described = {(method, path) for path, methods in told["paths"].items() for method in methods}
    assert described == {(each.route.method.lower(), api.ROOT + each.route.path) for each in OPERATIONS}
    operations = [each for methods in told["paths"].values() for each in methods.values()]
    assert len({each["operationId"] for each in operations}) == len(operations)
    for each in operations:
        assert each["summary"], each["operationId"]
        assert {"200", "401", "403", "422", "429", "503"} <= each["responses"].keys()
    used = set(re.findall(r"#/components/schemas/(\w+)", str(told)))
    assert used <= told["components"]["schemas"].keys()


def test_who_asks_is_no_part_of_a_request() -> None:
    told = str(document.document("1"))
    assert "'principal':" not in told
