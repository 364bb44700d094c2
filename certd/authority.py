"""The authority: an account there, and an order from challenge to certificate. The protocol is the library `acme`'s."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from socketserver import ThreadingMixIn
from typing import Any

from acme import challenges, client, crypto_util, errors, messages
from acme.standalone import HTTP01RequestHandler, HTTP01Server
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from josepy.errors import Error as JoseError
from josepy.jwk import JWKRSA
from requests import Response
from requests.exceptions import RequestException

from certd.errors import AuthorityError
from certd.leaving import FromZone
from certd.store import Store
from vdx.site.acme import CHALLENGE_PORT, Acme
from vdx.site.values import IpAddress

ANSWER_SECONDS = 30
"""For one answer of the authority."""

ORDER_SECONDS = 180
"""For a whole order: validation from several places, and an authority that is busy."""

REQUEST_SECONDS = 10
"""For a question about a challenge to arrive."""

NONCES = 4
"""Times that a request is sent again, beside the library's own: an authority of several servers may know few nonces."""

ACCOUNT_BITS = KEY_BITS = 3072
"""Of RSA keys: what BSI and NIST ask for beyond 2030."""

USER_AGENT = "vdx-certd"


class Patient(client.ClientNetwork):
    """Sends again, and not only once, what an authority refused for its nonce (RFC 8555 section 6.5)."""

    def post(self, *args: Any, **kwargs: Any) -> Response:  # noqa: ANN401 - as the library has it
        """Send one request; raises what the library raises."""
        for _ in range(NONCES):
            try:
                return super().post(*args, **kwargs)
            except messages.Error as error:
                if error.code != "badNonce":
                    raise
        return super().post(*args, **kwargs)


class Authority:
    """An account at an authority; messages leave from an address of the zone, which is what picks its routes."""

    def __init__(self, site: Acme, addresses: Sequence[IpAddress], store: Store) -> None:
        self._site = site
        self._addresses = addresses
        key, kept = _account(store.account(), site.directory)
        network = Patient(key, kept, user_agent=USER_AGENT, timeout=ANSWER_SECONDS)
        if site.trust:
            network.verify_ssl = site.trust  # type: ignore[assignment]  # requests takes the path of a bundle too
        network.session.mount("https://", FromZone(str(addresses[0])))
        try:
            directory = client.ClientV2.get_directory(site.directory, network)
            self._client = client.ClientV2(directory, network)
            if kept is None:
                kept = self._register(key, store)
            network.account = kept
        except (errors.Error, messages.Error, RequestException, ValueError) as error:
            raise AuthorityError(f"the authority at {site.directory} gives no account: {_sentence(error)}") from error

    def _register(self, key: JWKRSA, store: Store) -> messages.RegistrationResource:
        wanted = messages.NewRegistration.from_data(email=self._site.contact, terms_of_service_agreed=True)
        try:
            account = self._client.new_account(wanted)
        except errors.ConflictError as known:  # the key is known there: an account whose address was not kept
            account = messages.RegistrationResource(uri=known.location, body=messages.Registration())
        kept = {"directory": self._site.directory, "key": key.to_json(), "account": account.to_json()}
        store.keep_account(json.dumps(kept).encode())
        return account

    def obtain(self, names: Sequence[str]) -> tuple[bytes, bytes]:
        """Return a new certificate with its chain and its key, both PEM; raises AuthorityError."""
        key = _new_key(self._site.key)
        deadline = datetime.now() + timedelta(seconds=ORDER_SECONDS)  # noqa: DTZ005 - as the library counts
        try:
            order = self._client.new_order(crypto_util.make_csr(key, list(names)))
            asked = [(one, _http(one)) for one in order.authorizations if one.body.status != messages.STATUS_VALID]
            with _answering(self._addresses, [self._resource(challenge) for _, challenge in asked]):
                for _, challenge in asked:
                    self._client.answer_challenge(challenge, challenge.response(self._client.net.key))
                done = self._client.poll_and_finalize(order, deadline)
        except (errors.Error, messages.Error, RequestException, ValueError) as error:
            raise AuthorityError(f"no certificate for {', '.join(names)}: {_sentence(error)}") from error
        return done.fullchain_pem.encode(), key

    def _resource(self, challenge: messages.ChallengeBody) -> Any:  # noqa: ANN401 - a named tuple of the library
        response, validation = challenge.response_and_validation(self._client.net.key)
        return HTTP01RequestHandler.HTTP01Resource(chall=challenge.chall, response=response, validation=validation)


class _Answers(ThreadingMixIn, HTTP01Server):
    """Answers challenges; a stranger who connects and says nothing holds up nobody."""

    daemon_threads = True
    block_on_close = False


def _account(kept: bytes | None, directory: str) -> tuple[JWKRSA, messages.RegistrationResource | None]:
    """Return the account's key, and the account unless it has to be made at this authority."""
    if kept is not None:
        try:
            told = json.loads(kept)
            key = JWKRSA.from_json(told["key"])
            if isinstance(key, JWKRSA) and told["directory"] == directory:
                return key, messages.RegistrationResource.from_json(told["account"])
        except (ValueError, KeyError, TypeError, JoseError):
            pass  # not readable: a new account costs nothing
    new = rsa.generate_private_key(public_exponent=65537, key_size=ACCOUNT_BITS)
    return JWKRSA(key=new), None


def _new_key(kind: str) -> bytes:
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    if kind == "rsa":
        key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    else:
        key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _http(authorization: messages.AuthorizationResource) -> messages.ChallengeBody:
    for challenge in authorization.body.challenges:
        if isinstance(challenge.chall, challenges.HTTP01):
            return challenge
    raise errors.Error(f"{authorization.body.identifier.value} cannot be proved over HTTP there")


@contextmanager
def _answering(addresses: Sequence[IpAddress], resources: Sequence[Any]) -> Iterator[None]:
    """Answer challenges on port 80 of every address meanwhile."""
    with ExitStack() as stack:
        for address in addresses:
            try:
                place = (str(address), CHALLENGE_PORT)
                server = _Answers(place, set(resources), ipv6=address.version == 6, timeout=REQUEST_SECONDS)
            except OSError as error:
                raise AuthorityError(
                    f"port {CHALLENGE_PORT} of {address} cannot be opened for the challenge: {error.strerror}"
                ) from error
            stack.callback(server.server_close)
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
        yield


def _sentence(error: Exception) -> str:
    """Return what went wrong in one line: of an order, what the authority says about each name."""
    if isinstance(error, errors.ValidationError):
        told = [
            f"{failed.body.identifier.value}: {challenge.error.detail or challenge.error.typ}"
            for failed in error.failed_authzrs
            for challenge in failed.body.challenges
            if challenge.error
        ]
        return "; ".join(told) or "a challenge failed"
    if isinstance(error, errors.TimeoutError):
        return f"it was not ready within {ORDER_SECONDS} s"
    return " ".join(str(error).split())[:300] or type(error).__name__
