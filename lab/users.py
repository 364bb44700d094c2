"""The users that the lab's programs run as: numbers without a name, as systemd's DynamicUser takes them.

systemd keeps 61184 to 65519 for this, so no account of the machine has them.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class User:
    """A user id and its group id."""

    uid: int
    gid: int


GROUP = 64210  # of the programs that share the directory of sockets
B2BUA = User(64211, GROUP)
MEDIAD = User(64212, GROUP)
BUS = User(64214, 64214)
MIXER = User(64215, 64215)
AGENT = User(64213, 64213)  # a stranger to the programs of the edge
