"""Text messages by the webhook of a gateway, and organisations told what became of theirs."""

from __future__ import annotations

import logging
from http import HTTPStatus
from urllib.parse import quote, urlsplit

import httpx2

from hub.domain.invitation import Message, State
from hub.post.carrier import BusyError, RefusedError
from hub.settings import Sms
from hub.tokens.keys import Connect, connect

LATER = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
"""Refusals of a gateway that say nothing about the message."""

log = logging.getLogger("hub.post")


class Texter:
    """Hands text messages to the gateway."""

    def __init__(self, settings: Sms, connection: Connect = connect) -> None:
        self._settings = settings
        self._connect = connection

    async def carry(self, message: Message, sender: str) -> None:
        """Hand a text message over; raises `RefusedError`, `BusyError`."""
        key = self._settings.key
        headers = {"authorization": f"Bearer {key.read_text('utf-8').strip()}"} if key else {}
        said = {
            "to": message.recipient,
            "message": message.text,
            "sender": sender or self._settings.sender,
            "reference": str(message.reference),
        }
        try:
            async with self._connect() as client:
                answer = await client.post(self._settings.url, json=said, headers=headers)
        except (httpx2.HTTPError, OSError) as error:
            raise BusyError(f"the gateway of text messages: {error}") from error
        if answer.is_success:
            return
        fault = f"the gateway of text messages: {answer.status_code}"
        raise RefusedError(fault) if answer.is_client_error and answer.status_code not in LATER else BusyError(fault)

    async def tell(self, address: str, message: Message, state: State) -> None:
        """Tell an organisation what became of a message, where it may be told; a fault is only logged."""
        filled = address.replace("%reference%", quote(str(message.meeting))).replace("%status%", state.value)
        parts = urlsplit(filled)
        if parts.scheme != "https" or parts.hostname not in self._settings.callback_hosts:
            log.warning("sms.callback refused: %s is not among post.sms.callback_hosts", parts.hostname)
            return
        try:
            async with self._connect() as client:
                await client.get(filled)
        except (httpx2.HTTPError, OSError) as error:
            log.warning("sms.callback host=%s: %s", parts.hostname, error)
