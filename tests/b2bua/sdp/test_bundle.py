import pytest

from b2bua.sdp import Description, OurMedia, Writer, address, endpoints, parse, together

OURS = address("203.0.113.10")


def describe(group: str, *lines: str) -> Description:
    head = ["v=0", "c=IN IP4 192.0.2.1", *([f"a=group:BUNDLE {group}"] if group else [])]
    return parse("\n".join([*head, *lines]).encode())


def line(mid: str, port: int, *more: str) -> tuple[str, ...]:
    return f"m=audio {port} RTP/AVP 0", f"a=mid:{mid}", "a=rtcp-mux", *more


OFFER = describe("a b c", *line("a", 5000), *line("b", 5002), *line("c", 0, "a=bundle-only"), *line("d", 5006))


@pytest.mark.parametrize(
    ("group", "ports", "expected"),
    [
        ("a b c", (7000, 7000, 7000, 7006), {1: 0, 2: 0}),
        ("b a", (7000, 7000, 0, 7006), {0: 1}),
        ("a b", (7000, 7000, 0, 0), {1: 0}),
        ("a b c", (0, 7000, 7000, 0), {2: 1}),  # who stands for the group is the first that is not refused
        ("a", (7000, 7002, 0, 7006), {}),
        ("a d", (7000, 7000, 0, 7000), {}),  # not offered together
        ("a x", (7000, 7000, 0, 7000), {}),
        ("", (7000, 7002, 0, 7006), {}),
    ],
)
def test_what_an_answer_bundles(group: str, ports: tuple[int, ...], expected: dict[int, int]) -> None:
    lines = [row for mid, port in zip("abcd", ports, strict=True) for row in line(mid, port)]
    assert together(OFFER, describe(group, *lines)) == expected


def test_nothing_is_bundled_that_was_not_offered_so() -> None:
    plain = describe("", *line("a", 5000), *line("b", 5002))
    assert together(plain, describe("a b", *line("a", 7000), *line("b", 7000))) == {}


def test_a_line_without_a_place_counts_only_within_a_group() -> None:
    streams = endpoints(OFFER)
    assert [(stream.active, stream.bundle_only) for stream in streams] == [
        (True, False),
        (True, False),
        (False, True),
        (True, False),
    ]
    alone = endpoints(describe("", *line("c", 0, "a=bundle-only")))
    assert not alone[0].bundle_only


def write(received: Description, *ports: int, answer_to: Description | None = None) -> list[str]:
    ours = [OurMedia(OURS, port) if port else None for port in ports]
    return Writer(7, OURS).write(received, ours, answer_to=answer_to).decode().splitlines()


def test_a_group_is_offered_on_with_the_lines_that_are_carried() -> None:
    text = write(OFFER, 30000, 0, 0, 30006)
    assert "a=group:BUNDLE a c" in text
    assert [row for row in text if row[0] == "m" or row == "a=bundle-only"] == [
        "m=audio 30000 RTP/AVP 0",
        "m=audio 0 RTP/AVP 0",
        "m=audio 0 RTP/AVP 0",
        "a=bundle-only",
        "m=audio 30006 RTP/AVP 0",
    ]


def test_a_group_is_answered_only_where_offered() -> None:
    answer = describe("a b c", *line("a", 7000), *line("b", 7000), *line("c", 7000), *line("d", 7006))
    text = write(answer, 30000, 30000, 30000, 30006, answer_to=OFFER)
    assert "a=group:BUNDLE a b c" in text
    assert [row.split()[1] for row in text if row[0] == "m"] == ["30000", "30000", "30000", "30006"]
    assert "a=bundle-only" not in text
    plain = describe("", *line("a", 5000), *line("b", 5002), *line("c", 0), *line("d", 5006))
    text = write(answer, 30000, 30002, 30004, 30006, answer_to=plain)
    assert not [row for row in text if "BUNDLE" in row]
    assert [row.split()[1] for row in text if row[0] == "m"] == ["30000", "30002", "0", "30006"]
