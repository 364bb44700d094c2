import pytest

from b2bua.sdp import errors


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.MalformedSdpError, 400),
        (errors.SdpTooLargeError, 413),
        (errors.NotAcceptableError, 488),
        (errors.AddressNotUsableError, 488),
        (errors.NoUsableStreamError, 488),
        (errors.StreamsDroppedError, 488),
        (errors.AnswerMismatchError, 502),
    ],
)
def test_each_error_has_its_status_and_stands_in_the_drawn_tree(error: type[errors.SdpError], status: int) -> None:
    assert error.status == status
    assert errors.__doc__
    assert error.__name__ in errors.__doc__
    assert issubclass(error, errors.SdpError)


def test_foreign_text_is_cut_and_made_printable() -> None:
    assert errors.quoted("a\r\nb\x1b[31m\udcff\u00e6") == r"'a\r\nb\x1b[31m\udcff\xe6'"
    assert errors.quoted("x" * 100) == "'" + "x" * 60 + "...'"
