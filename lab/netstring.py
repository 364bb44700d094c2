"""Netstrings (`12:hello world!,`), the framing of baresip's control port: bytes in, messages out."""

MAX_LENGTH = 1 << 20  # a listing of everything an agent knows is some kilobytes
MAX_DIGITS = len(str(MAX_LENGTH))


class NetstringError(ValueError):
    """The bytes are no netstrings; the connection is of no more use."""


def encode(message: bytes) -> bytes:
    """Frame one message."""
    return b"%d:%b," % (len(message), message)


class Decoder:
    """Takes bytes as they come, gives whole messages."""

    def __init__(self) -> None:
        self._pending = b""

    def receive(self, data: bytes) -> list[bytes]:
        """Return the messages that `data` completes; NetstringError if it is no netstring or one over MAX_LENGTH."""
        self._pending += data
        messages = []
        while (message := self._next()) is not None:
            messages.append(message)
        return messages

    def _next(self) -> bytes | None:
        digits, colon, rest = self._pending.partition(b":")
        if not colon and len(digits) <= MAX_DIGITS and (not digits or digits.isdigit()):
            return None
        if not colon or not digits.isdigit() or len(digits) > MAX_DIGITS or int(digits) > MAX_LENGTH:
            raise NetstringError(f"no length of at most {MAX_LENGTH} and a colon at the start: {digits[:20]!r}")
        length = int(digits)
        if len(rest) <= length:
            return None
        if rest[length : length + 1] != b",":
            raise NetstringError(f"no comma after {length} bytes")
        self._pending = rest[length + 1 :]
        return rest[:length]
