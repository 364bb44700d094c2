"""Organisations on the wire: what requests bring, what answers look like."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from hub.api.requests import Text100
from hub.api.values import Answer, Body, Flag, Int32, Text
from hub.domain.model import Organisation
from hub.domain.tree import Node
from hub.domain.words import Field as FieldOfUse
from hub.domain.words import Kind, Use
from hub.tokens import api_keys

Code = Annotated[Text, Field(min_length=1, max_length=250)]


HistoryKey = Annotated[Text, Field(min_length=api_keys.SHORTEST, max_length=api_keys.LENGTH)]


class OrganisationBody(Body):
    """An organisation as it is to be."""

    code: Code
    name: Annotated[Text, Field(min_length=1, max_length=100)]
    pool_size: Int32 | None = None
    sms_sender_name: Annotated[Text, Field(max_length=11)] | None = None
    sms_callback_url: Text100 | None = None
    allow_custom_uri_without_domain: Flag | None = False
    device_webhook_endpoint: Text100 | None = None
    device_webhook_endpoint_key: Text100 | None = None
    kind: Kind | None = None
    use: Use | None = None
    field: FieldOfUse | None = None
    history_api_key: HistoryKey | None = None

    def values(self) -> dict[str, Any]:
        """Give the fields that a client sets, by their names in the domain."""
        own = type(self).model_fields.keys() - {"kind", "history_api_key"}
        values = {name: getattr(self, name) for name in own}
        if self.history_api_key is not None:
            values["history_api_key"] = api_keys.digest(self.history_api_key)
        return values | {"allow_custom_uri_without_domain": bool(self.allow_custom_uri_without_domain)}


class OrganisationAnswer(Answer):
    """An organisation; keys of its systems are never shown again."""

    code: str
    name: str
    pool_size: int
    sms_sender_name: str | None
    sms_callback_url: str | None
    allow_custom_uri_without_domain: bool
    device_webhook_endpoint: str | None
    group_id: int
    kind: Kind
    use: Use | None
    field: FieldOfUse | None


class TreeAnswer(OrganisationAnswer):
    """An organisation with those below it."""

    children: list[TreeAnswer]


class KeyAnswer(Answer):
    """A key, shown this once."""

    history_api_key: str


class KeyBody(Body):
    """Whose tree is asked for: by a key."""

    model_config = Body.model_config | {"alias_generator": None}

    api_key: Annotated[Text, Field(min_length=1, max_length=api_keys.LENGTH)]
    api_key_type: Literal["history"]


class OwnerAnswer(Answer):
    """Who owns a dialled address; `booked`: it is the room of a meeting."""

    code: str
    name: str
    group_id: int
    uri: str
    booked: bool
    group_name: str


class CodeAnswer(Answer):
    """The code of an organisation."""

    code: str


class RefusalAnswer(Answer):
    """Why a request was refused."""

    model_config = Answer.model_config | {"alias_generator": None}

    error: str
    path: str
    status: int
    status_text: str
    timestamp: str


def written(organisation: Organisation) -> dict[str, Any]:
    """Write an organisation."""
    return {
        "code": organisation.code,
        "name": organisation.name,
        "poolSize": organisation.pool_size or 0,
        "smsSenderName": organisation.sms_sender_name,
        "smsCallbackUrl": organisation.sms_callback_url,
        "allowCustomUriWithoutDomain": organisation.allow_custom_uri_without_domain,
        "deviceWebhookEndpoint": organisation.device_webhook_endpoint,
        "groupId": organisation.id,
        "kind": organisation.kind.value,
        "use": organisation.use.value if organisation.use else None,
        "field": organisation.field.value if organisation.field else None,
    }


def tree(node: Node) -> dict[str, Any]:
    """Write a node and all below it."""
    return written(node.organisation) | {"children": [tree(child) for child in node.children]}
