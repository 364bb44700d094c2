"""Who may begin: judges every request outside dialogs before anything is kept for it.

Theory of operation. `admit` finds the sender (`call.identify`) and leaves him with the request, or raises what becomes
of it. Nothing it does needs memory per request, so a flood costs its answers only:

    denied, or a scanner            silence
    a wrong answer, a bad token     401 again, and an offence
    somebody who may log in         401 with the challenges of his zone
    anybody else                    403, and an offence

Over UDP each answer to somebody unproven is taken from an allowance; when that is used up, silence. Offences that come
over a connection end in a ban by the kernel, which `bans` gives to be asked for. Peers known by their source prefix are
never judged: who could take their place by failing often would shut a hospital out.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from b2bua.call import tokens
from b2bua.call.contacts import is_direct
from b2bua.call.credentials import Answer, Authenticator, Users
from b2bua.call.identify import Caller, Peers, Shown, identify
from b2bua.call.keyring import Keyring
from b2bua.call.olddevices import OldDevices
from b2bua.call.plan import EMPTY, Plan
from b2bua.call.reputation import Ban, Offence, Reputation, is_scanner
from b2bua.call.tokens import Guest, Spent, TokenError
from b2bua.sip import Flow, Refusal, Request, Silence
from b2bua.sip.digest import Secret
from b2bua.sip.flow import SECURE
from b2bua.sip.nonce import Nonces
from b2bua.sip.uri import user_of

if TYPE_CHECKING:
    from b2bua.call.verifier import Verifier

log = logging.getLogger(__name__)

NOBODY = Users()

KEY_WORDS = 4
"""Words of 64 random bits each that the key of our nonces is made of; it dies with the program."""


class Access:
    """The judgement of senders; `token` gives unguessable words, `wall` the seconds since 1970.

    `stands` tells whether a user, named after his peer, alone is registered over a flow now; the registrar sets it.
    """

    def __init__(self, token: Callable[[], str], counts: Counter[str], wall: Callable[[], float]) -> None:
        self.keyring = Keyring()
        self.reputation = Reputation()
        self._plan: Plan = EMPTY
        self._nonces = Nonces("".join(token() for _ in range(KEY_WORDS)).encode(), token)
        self._authenticator = Authenticator(EMPTY.signalling.access.realm, self._nonces)
        self.token = token
        self._counts = counts
        self._wall = wall
        self.stands: Callable[[Flow, str, str], bool] = lambda _flow, _peer, _user: False
        self._registered: dict[Flow, tuple[Caller, str]] = {}
        self._spent = Spent()
        self._old = OldDevices()
        self._bans: list[Ban] = []

    @property
    def peers(self) -> Peers:
        """The peers of the site version."""
        return self._plan.peers

    def use(self, keyring: Keyring) -> None:
        """Know users and tokens by this from now on.

        Connections of users who were taken out, or have another secret, are strangers' again; so are those of guests
        whose tokens are cut off.
        """
        before, self.keyring = self.keyring, keyring
        tokens_of = {peer.name: peer.access.tokens for peer in self._plan.signalling.peers}
        for flow, (caller, _) in list(self._registered.items()):
            if caller.guest is not None and caller.guest.is_cut_off(tokens_of.get(caller.peer.name)):
                del self._registered[flow]
            if caller.by != "credentials" or caller.guest is not None:
                continue
            known = keyring.knows(flow.zone, caller.peer.name, caller.user.lower())
            if not known or _secret(keyring, flow, caller) != _secret(before, flow, caller):
                del self._registered[flow]

    def follow(self, plan: Plan) -> None:
        """Judge by a new site version from now on."""
        self._plan = plan
        rules = plan.signalling.access
        self._authenticator = Authenticator(rules.realm, self._nonces)
        self.reputation.ban_seconds = rules.ban

    def admit(self, request: Request, flow: Flow, now: float) -> None:
        """Find the sender of a request outside dialogs; raises sip.Refusal (401, 403) or sip.Silence."""
        zone, host = flow.zone, flow.remote[0]
        known = self.peers.identify(zone, host) or self.peers.certified(zone, flow.identity)
        if known is None and self.reputation.standing(zone, host, now) == "denied":
            self._counts["ignored: denied"] += 1
            raise Silence("the source is denied")
        answer, guest, refused = self._shown(request, flow, now)
        shown = Shown(answer.peer, answer.user or (guest.name if guest else ""), guest) if answer.peer else None
        caller = identify(self.peers, flow, shown, self._on_connection(request, flow))
        failed = refused or answer.proof == "wrong"
        if caller is None or (failed and caller.by == "registration"):
            self._turn_away(request, flow, answer, refused, now)
        elif caller.by != "source":
            self.reputation.prove(zone, host, now)
        request.caller = caller

    def caller(self, request: Request) -> Caller | None:
        """Give the sender that `admit` found."""
        return request.caller if isinstance(request.caller, Caller) else None

    def registered(self, flow: Flow, caller: Caller | None, user: str) -> None:
        """Take in who registered as `user` over a connection of his own; None: nobody is any more."""
        if caller is None:
            self._registered.pop(flow, None)
        elif flow.reliable:
            self._registered[flow] = caller, user

    def flow_closed(self, flow: Flow) -> None:
        """Forget a connection."""
        self._registered.pop(flow, None)

    def spend(self, guest: Guest) -> None:
        """Use up a token that is good for one call."""
        self._spent.spend(guest, self._wall())

    def bans(self) -> list[Ban]:
        """Give the bans to ask for since the last call."""
        bans, self._bans = self._bans, []
        return bans

    # What a request shows

    def _on_connection(self, request: Request, flow: Flow) -> Caller | None:
        """Give who is registered over a connection; whoever registers, or says another name, proves himself.

        So does whoever is behind a proxy or border element: others send over that connection as well.
        """
        if not self._registered:
            return None
        caller, user = self._registered.get(flow, (None, ""))
        if caller is None or request.method == "REGISTER" or not is_direct(request):
            return None
        if user_of(request.from_.uri).lower() != user.lower() or not self.stands(flow, caller.peer.name, user):
            return None
        if caller.guest is not None:
            over = caller.guest.expires <= self._wall() or self._spent.is_spent(caller.guest)
            return None if over else caller
        return caller

    def _shown(self, request: Request, flow: Flow, now: float) -> tuple[Answer, Guest | None, bool]:
        """Judge Authorization: what it proves, the guest of a token, and whether a token came that does not count."""
        if "authorization" not in request.index:
            return Answer("none"), None, False
        users = self.keyring.users.get(flow.zone, NOBODY)
        answer = self._authenticator.judge(request, users, flow, now)
        if answer.algorithm:
            self._old.answered(_device(request, flow), answer.algorithm, now)
        token = tokens.bearer(request)
        verifiers = self._verifiers(flow) if token else ()
        if answer.proof == "good" or not verifiers:
            return answer, None, False
        for peer, verifier in verifiers:
            try:
                guest = verifier.verify(token, self._wall())
            except TokenError as error:
                log.info("token.refused zone=%s source=%s: %s", flow.zone, flow.remote[0], error)
                continue
            if not self._spent.is_spent(guest):
                return Answer("good", guest.name, peer), guest, False
            log.info("token.spent zone=%s source=%s", flow.zone, flow.remote[0])
        return answer, None, True

    def _verifiers(self, flow: Flow) -> tuple[tuple[str, Verifier], ...]:
        """Give who judges tokens that come by a flow: only where nobody can read them on their way (RFC 6750 5.3)."""
        return self.keyring.verifiers.get(flow.zone, ()) if flow.transport in SECURE else ()

    # Those who are not known

    def _turn_away(self, request: Request, flow: Flow, answer: Answer, refused: bool, now: float) -> None:
        if is_scanner(request.get("user-agent")):
            self._offend(flow, "scanner", now, proven=flow.reliable)
            self._counts["ignored: scanner"] += 1
            raise Silence("a scanner")
        if answer.proof == "wrong":
            self._offend(flow, "credentials", now, proven=flow.reliable or answer.proven)
            self._counts["refused: credentials"] += 1
        elif refused:
            self._offend(flow, "token", now, proven=flow.reliable)
            self._counts["refused: token"] += 1
        challenges = self._challenges(request, flow, answer, refused, now)
        if not challenges:
            self._offend(flow, "stranger", now, proven=flow.reliable)
            self._counts["refused: stranger"] += 1
        self._allow_answer(flow, now)
        if challenges:
            raise Refusal("who is there?", 401, tuple(challenges))
        raise Refusal("the source is nobody we know", 403)

    def _challenges(
        self, request: Request, flow: Flow, answer: Answer, refused: bool, now: float
    ) -> list[tuple[str, str]]:
        realm = self._plan.signalling.access.realm
        users = self.keyring.users.get(flow.zone)
        asked: list[tuple[str, str]] = []
        if users is not None:
            old = self._old.ask(_device(request, flow), now)
            asked = self._authenticator.challenges(users, flow, now, stale=answer.proof == "stale", old=old)
            if old:
                return asked  # what stumbles over an algorithm stumbles over another scheme as well
        return asked + [
            tokens.challenge(verifier.rules, realm, refused=refused) for _, verifier in self._verifiers(flow)
        ]

    def _allow_answer(self, flow: Flow, now: float) -> None:
        """Raise Silence where a source that anybody can forge has been answered often enough."""
        zone, host = flow.zone, flow.remote[0]
        if flow.reliable or self.peers.identify(zone, host) is not None:
            return
        known = self.reputation.standing(zone, host, now) == "trusted"
        if not known and not self.reputation.may_answer(zone, host, now):
            self._counts["ignored: too often"] += 1
            raise Silence("the source has been answered often enough")

    def _offend(self, flow: Flow, offence: Offence, now: float, *, proven: bool) -> None:
        zone, host = flow.zone, flow.remote[0]
        if self.peers.identify(zone, host) is not None:
            log.warning("access.failed zone=%s source=%s offence=%s: a peer's own source", zone, host, offence)
            return
        ban = self.reputation.offend(zone, host, offence, now, proven=proven, connected=flow.reliable)
        if ban is not None:
            self._counts["bans asked for"] += 1
            self._bans.append(ban)


def _secret(keyring: Keyring, flow: Flow, caller: Caller) -> Secret | None:
    user = keyring.users.get(flow.zone, NOBODY).by_name.get(caller.user)
    return user.secret if user is not None else None


def _device(request: Request, flow: Flow) -> str:
    """Name a device that is asked who it is: by its source and the user it says."""
    return f"{flow.zone} {flow.remote[0]} {user_of(request.from_.uri)[:64]}"
