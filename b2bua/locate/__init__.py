"""Where a name leads: SIP servers found by DNS (RFC 3263), remembered as long as their records say."""

from b2bua.locate.cache import Cache
from b2bua.locate.cooldown import COOL_DOWN, Cooldown
from b2bua.locate.errors import LocateError, NotFoundError, UnavailableError
from b2bua.locate.records import Answer, Naptr, Resolver, Srv
from b2bua.locate.servers import MAX_DESTINATIONS, Destination, Query, locate

__all__ = [
    "COOL_DOWN",
    "MAX_DESTINATIONS",
    "Answer",
    "Cache",
    "Cooldown",
    "Destination",
    "LocateError",
    "Naptr",
    "NotFoundError",
    "Query",
    "Resolver",
    "Srv",
    "UnavailableError",
    "locate",
]
