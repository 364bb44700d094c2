"""The pages on the way in, in Danish and English: whose login to take, the sealed account, and why not."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
"""Nothing is loaded but our own style, and nothing runs."""

HEADERS = {
    "content-security-policy": POLICY,
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}

PAGE = """<!doctype html>
<html lang="{{ language }}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="stylesheet" href="{{ base }}/web/static/style.css">
<title>{{ words.title }}</title>
</head>
<body>
<main>
<h1>{{ words.title }}</h1>
{% if fault %}<p role="alert">{{ fault }}</p>{% endif %}
{% if providers %}<p id="whose">{{ words.choose }}</p>
<ul aria-labelledby="whose">
{% for each in providers %}<li><a href="{{ each.address }}">{{ each.title }}</a></li>
{% endfor %}</ul>
{% endif %}{% if sealed %}<form method="post" action="{{ sealed }}">
<p><label for="passphrase">{{ words.passphrase }}</label>
<input id="passphrase" name="passphrase" type="password" autocomplete="off" required maxlength="100"></p>
<p>{{ words.alarm }}</p>
<p><button>{{ words.open }}</button></p>
</form>
{% endif %}{% if again %}<p><a href="{{ again }}">{{ words.again }}</a></p>
{% endif %}</main>
</body>
</html>
"""

WORDS = {
    "da": {
        "title": "Log ind",
        "choose": "Vælg, hvor du hører til",
        "passphrase": "Adgangssætning for den forseglede konto",
        "alarm": "Brug af kontoen udløser en alarm og skrives i journalen.",
        "open": "Bryd seglet",
        "again": "Prøv igen",
    },
    "en": {
        "title": "Log in",
        "choose": "Choose where you belong",
        "passphrase": "Passphrase of the sealed account",
        "alarm": "Its use raises an alarm and is written into the journal.",
        "open": "Break the seal",
        "again": "Try again",
    },
}

_page = Environment(autoescape=True, undefined=StrictUndefined).from_string(PAGE)


def language(request: Request) -> str:
    """Choose the page's language: Danish, unless the browser would rather have English."""
    for each in request.headers.get("accept-language", "").split(","):
        name = each.strip().lower()[:2]
        if name in WORDS:
            return name
    return "da"


def base(request: Request) -> str:
    """Give what stands before the paths of our pages."""
    return str(request.app.state.hub.office.settings.base_path)


def page(request: Request, status: int = 200, **values: Any) -> HTMLResponse:  # noqa: ANN401 - what a template takes
    """Write a page: `fault`, `providers` (title and address), `sealed` (where the form goes), `again` (a link)."""
    spoken = language(request)
    shown = {"fault": None, "providers": (), "sealed": None, "again": None} | values
    written = _page.render(language=spoken, words=WORDS[spoken], base=base(request), **shown)
    return HTMLResponse(written, status, HEADERS)
