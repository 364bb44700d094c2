"""The pages on the way in: whose login to take, the sealed account, and why not."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import HTMLResponse

from hub.web import pages

HEADERS = {"cache-control": "no-store", "referrer-policy": "no-referrer"}
"""Of what leads on."""


def page(request: Request, status: int = 200, **values: object) -> HTMLResponse:
    """Write a page: `fault`, `providers` (title and address), `sealed` (where the form goes), `again` (a link)."""
    shown = {"fault": "", "providers": (), "sealed": None, "again": None} | values
    return pages.page(request, "login", None, status=status, **shown)
