"""The page of who still calls the first version of the API, in Danish and English."""

from __future__ import annotations

from jinja2 import Environment, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from hub.people.pages import HEADERS, base, language
from hub.store.history import OldCaller

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
{% if rows %}<div class="scroll sheet" tabindex="0" role="region" aria-label="{{ words.title }}">
<table>
<caption>{{ words.caption }}</caption>
<thead><tr>{% for each in words.heads %}<th scope="col">{{ each }}</th>{% endfor %}</tr></thead>
<tbody>
{% for row in rows %}<tr><th scope="row">{{ row.month }}</th><td>{{ row.organisation or words.unknown }}</td>
<td>{{ row.agent }}</td><td>{{ row.operation }}</td><td>{{ row.count }}</td>
<td>{{ row.seen.strftime("%Y-%m-%d %H:%M") }}</td></tr>
{% endfor %}</tbody>
</table>
</div>
{% else %}<p>{{ words.nobody }}</p>
{% endif %}</main>
</body>
</html>
"""

WORDS = {
    "da": {
        "title": "Hvem kalder stadig version 1 af API'et",
        "caption": "Kald pr. måned, organisation og program; tider i UTC",
        "heads": ["Måned", "Organisation", "Program", "Kald", "Antal", "Senest"],
        "unknown": "ukendt",
        "nobody": "Ingen.",
    },
    "en": {
        "title": "Who still calls version 1 of the API",
        "caption": "Calls by month, organisation and program; times are UTC",
        "heads": ["Month", "Organisation", "Program", "Operation", "Calls", "Last"],
        "unknown": "unknown",
        "nobody": "Nobody.",
    },
}

_page = Environment(autoescape=True, undefined=StrictUndefined).from_string(PAGE)


def callers(request: Request, found: list[OldCaller]) -> HTMLResponse:
    """Write the page."""
    spoken = language(request)
    written = _page.render(language=spoken, words=WORDS[spoken], rows=found, base=base(request))
    return HTMLResponse(written, 200, HEADERS)
