from __future__ import annotations

import argparse
import pwd

import pytest

from gatewayd import owners
from gatewayd.errors import StartError


def test_an_owner_by_number_and_by_name() -> None:
    root = pwd.getpwuid(0).pw_name
    assert owners.users([owners.owner("b2bua=991"), owners.owner(root)]) == {991: "b2bua", 0: root}


@pytest.mark.parametrize("text", ["", "=5", "b2bua=x", "B2BUA=5", "b2bua=-1", "a" * 17 + "=5", "b/2=5"])
def test_what_is_no_owner(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is no owner: write it as in b2bua=991"):
        owners.owner(text)


def test_a_name_without_a_user() -> None:
    with pytest.raises(StartError, match="owner 'no-such-user' is no user of this machine"):
        owners.users([("no-such-user", None)])


def test_two_owners_with_one_user() -> None:
    with pytest.raises(StartError, match="owners 'b2bua' and 'mixer' are the same user 991"):
        owners.users([("b2bua", 991), ("mixer", 991)])
