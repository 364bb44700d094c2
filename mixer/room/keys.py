"""Keys of a telephone, and the prompts that are their tones."""

KEYS = "0123456789*#ABCD"
"""All there are (RFC 4733 section 3.2)."""

_SPELLED = {"*": "star", "#": "hash"}


def tone(key: str) -> str:
    """Name the prompt that is the tone of a key."""
    return f"key_{_SPELLED.get(key, key.lower())}"
