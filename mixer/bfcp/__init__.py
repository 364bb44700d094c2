"""Floor control (BFCP, RFC 8855) of one floor, the content of a room: messages and the server's side of them. Pure."""

from mixer.bfcp.message import Attribute, Malformed, Message, Primitive, Status, parse, serialise
from mixer.bfcp.server import FloorServer, Outgoing

__all__ = [
    "Attribute",
    "FloorServer",
    "Malformed",
    "Message",
    "Outgoing",
    "Primitive",
    "Status",
    "parse",
    "serialise",
]
