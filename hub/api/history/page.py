"""The page of a month's use: a table, and bars drawn as SVG; in Danish and English, without any script or style."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from jinja2 import Environment, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from hub.domain.history import Usage
from hub.people.pages import HEADERS, base, language

WIDTH = 400
"""Of the longest bar, in units of the drawing."""

MOST_BARS = 30
"""Organisations in a chart: those that used most."""

PAGE = """<!doctype html>
<html lang="{{ language }}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="stylesheet" href="{{ base }}/web/static/style.css">
<title>{{ words.title }} {{ month }}</title>
</head>
<body>
<main>
<h1>{{ words.title }} {{ month }}</h1>
<p><a href="?month={{ before }}">{{ before }}</a> · <a href="?month={{ after }}">{{ after }}</a></p>
{% for chart in charts %}<h2 id="chart-{{ chart.name }}">{{ words[chart.name] }}</h2>
<svg role="img" aria-labelledby="chart-{{ chart.name }}" width="100%" viewBox="0 0 760 {{ 24 * chart.bars|length }}">
{% for bar in chart.bars %}<text x="240" y="{{ 24 * loop.index0 + 16 }}" text-anchor="end" font-size="13"
 fill="currentColor">{{ bar.label }}</text>
<rect x="250" y="{{ 24 * loop.index0 + 4 }}" width="{{ bar.width }}" height="16" fill="#1a6faf"></rect>
<text x="{{ 258 + bar.width }}" y="{{ 24 * loop.index0 + 16 }}" font-size="13"
 fill="currentColor">{{ bar.value }}</text>
{% endfor %}</svg>
{% endfor %}{% if rows %}<div class="scroll sheet" tabindex="0" role="region" aria-label="{{ words.title }}">
<table>
<caption>{{ words.caption }}</caption>
<thead><tr>{% for each in heads %}<th scope="col">{{ words[each] }}</th>{% endfor %}</tr></thead>
<tbody>
{% for row in rows %}<tr><th scope="row">{{ row.name }}</th><td>{{ row.use.value if row.use else words.all }}</td>
<td>{{ row.field.value if row.field else "" }}</td><td>{{ row.meetings }}</td><td>{{ row.participants }}</td>
<td>{{ row.minutes }}</td><td>{{ row.ports }}</td></tr>
{% endfor %}</tbody>
</table>
</div>
{% else %}<p>{{ words.nothing }}</p>
{% endif %}</main>
</body>
</html>
"""

HEADS = ("organisation", "use", "field", "meetings", "participants", "minutes", "ports")

WORDS = {
    "da": {
        "title": "Forbrug",
        "caption": "Møder, deltagere, minutter og flest samtidige forbindelser",
        "organisation": "Organisation",
        "use": "Klasse",
        "field": "Område",
        "meetings": "Møder",
        "participants": "Deltagere",
        "minutes": "Minutter",
        "ports": "Flest samtidige forbindelser",
        "all": "i alt",
        "nothing": "Intet forbrug i denne måned.",
    },
    "en": {
        "title": "Use",
        "caption": "Meetings, participants, minutes and the most connections at the same time",
        "organisation": "Organisation",
        "use": "Class",
        "field": "Field",
        "meetings": "Meetings",
        "participants": "Participants",
        "minutes": "Minutes",
        "ports": "Most connections at the same time",
        "all": "all",
        "nothing": "No use in this month.",
    },
}

_page = Environment(autoescape=True, undefined=StrictUndefined).from_string(PAGE)


def usage(request: Request, found: list[Usage], month: str) -> HTMLResponse:
    """Write the page."""
    spoken = language(request)
    totals = [each for each in found if each.use is None]
    charts = [_chart(totals, name) for name in ("meetings", "participants", "minutes", "ports") if totals]
    year, number = datetime.strptime(month, "%Y-%m").timetuple()[:2]  # noqa: DTZ007 - a month has no zone
    before, after = _month(year, number - 1), _month(year, number + 1)
    html = _page.render(
        language=spoken, words=WORDS[spoken], month=month, before=before, after=after, charts=charts, rows=found,
        heads=HEADS, base=base(request),
    )  # fmt: skip
    return HTMLResponse(html, 200, HEADERS)


def _month(year: int, number: int) -> str:
    return f"{year + (number - 1) // 12:04d}-{(number - 1) % 12 + 1:02d}"


def _chart(totals: list[Usage], name: str) -> dict[str, Any]:
    shown = sorted(totals, key=lambda each: -getattr(each, name))[:MOST_BARS]
    most = max(getattr(each, name) for each in shown) or 1
    bars = [
        {"label": each.name[:32], "value": value, "width": round(WIDTH * value / most)}
        for each in shown
        for value in (getattr(each, name),)
    ]
    return {"name": name, "bars": bars}
