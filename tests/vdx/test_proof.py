from __future__ import annotations

import msgspec

from vdx.proof import Difference, ProofReport

ONE = Difference(
    "sdn 10.1.2.3 -> 10.9.0.5 tcp/443", "allow (rule from sdn to core)", "drops it", 1_800_000_000, ("site.yaml:12",)
)


def test_a_difference_is_one_sentence_with_packet_time_and_line() -> None:
    assert str(ONE) == (
        "sdn 10.1.2.3 -> 10.9.0.5 tcp/443 at 2027-01-15 08:00 UTC: the policy says allow (rule from sdn to core);"
        " the kernel drops it (site.yaml:12)"
    )


def test_a_report_tells_differences_remarks_and_the_sum() -> None:
    report = ProofReport("v1", 10, 0.25, 3, (ONE,), 0, ("a remark",))
    assert not report.holds
    assert report.sentences() == [
        str(ONE),
        "and 2 more packets of which the kernel thinks otherwise",
        "a remark",
        "proof: 10 packets in 0.2 s, 3 differ",
    ]
    assert msgspec.json.decode(msgspec.json.encode(report), type=ProofReport) == report


def test_a_proof_that_holds_says_so() -> None:
    assert ProofReport("v1", 10, 1.0).sentences() == [
        "proof: 10 packets in 1.0 s, the kernel does what the policy says"
    ]


def test_a_proof_that_had_no_time_for_a_change_does_not_hold() -> None:
    report = ProofReport("v1", 10, 120.0, unmet=3, unproved=("test at site.yaml:4", "agreement a-1 at site.yaml:9"))
    assert not report.holds
    *unmet, outcome = report.sentences()
    assert unmet == [
        "test at site.yaml:4: not proved, as the time was over",
        "agreement a-1 at site.yaml:9: not proved, as the time was over",
        "and 1 more that were not proved",
    ]
    assert outcome.endswith(
        "what the policy says, but 3 tests and changes were not proved: allow it more time, or change less at once"
    )
