"""A page of the admin: what is odd today, how it goes by the hour, and one order's story.

All of it is read from the database's own views (`doc/signals.md`); nobody has to be named for it.
"""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass
from typing import Any, Dict, List, Tuple

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django_paysafe.connections import unclaimed
from django_paysafe.people import name_of
from django_paysafe.signals import story

HOURS = 24
_HEIGHT, _STEP = 32, 8

_TODAY = """
SELECT kind, severity, coalesce(segment, ''), sum(count), max(coalesce(last_at, at))
  FROM paysafe.signal WHERE at >= %s GROUP BY 1, 2, 3
 ORDER BY array_position('{critical,warning,info}', severity), 4 DESC, 1, 3"""

# one query over both: what was odd, and what was decided
_SERIES = """
SELECT series, floor(extract(epoch FROM at - %s) / 3600)::int, sum(count)
  FROM (SELECT 'signal: ' || kind AS series, at, count FROM paysafe.signal WHERE at >= %s
		UNION ALL
		SELECT name || ': ' || outcome, at, count FROM paysafe.decision WHERE at >= %s) s
 GROUP BY 1, 2 ORDER BY 1, 2"""


def rows(statement: str, *arguments: Any) -> List[Tuple[Any, ...]]:
    with unclaimed(connection.alias), connection.cursor() as cursor:
        cursor.execute(statement, arguments)
        return list(cursor.fetchall())


@dataclass
class Series:
    """Figures by the hour, the last one now, as bars of a small plot."""

    name: str
    counts: List[int]

    @property
    def total(self) -> int:
        return sum(self.counts)

    @property
    def most(self) -> int:
        return max(self.counts)

    @property
    def size(self) -> Tuple[int, int]:
        return HOURS * _STEP, _HEIGHT

    @property
    def bars(self) -> List[Dict[str, int]]:
        # what is there is seen, however small
        tall = [-(-count * _HEIGHT // self.most) if count else 0 for count in self.counts]
        return [{"x": i * _STEP, "y": _HEIGHT - t, "h": t} for i, t in enumerate(tall) if t]


def series_since(start: datetime.datetime) -> List[Series]:
    found: Dict[str, Series] = {}
    for name, hour, count in rows(_SERIES, start, start, start):
        one = found.setdefault(name, Series(name, [0] * HOURS))
        one.counts[min(max(hour, 0), HOURS - 1)] += int(count)
    return list(found.values())


def told(order: str) -> List[Dict[str, Any]]:
    with unclaimed(connection.alias):
        steps = story(order)
    return [
        {
            "step": step,
            "who": name_of(step.actor) if step.actor else "",
            "detail": json.dumps(step.detail, indent=1, ensure_ascii=False) if step.detail else "",
        }
        for step in steps
    ]


@never_cache
def page(request: HttpRequest) -> HttpResponse:
    if not request.user.has_perm("shop.approve_refund"):
        raise PermissionDenied
    now = timezone.localtime()
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    order = request.GET.get("order", "").strip()[:200]
    context = {
        **admin.site.each_context(request),
        "title": "Signals, series, stories",
        "is_nav_sidebar_enabled": False,
        "today": today,
        "signals": [
            dict(zip(("kind", "severity", "segment", "count", "last_at"), row))
            for row in rows(_TODAY, today)
        ],
        "series": series_since(now - datetime.timedelta(hours=HOURS)),
        "hours": HOURS,
        "order": order,
        "story": told(order) if order and "\0" not in order else [],
    }
    return TemplateResponse(request, "shop/watch.html", context)


watch = admin.site.admin_view(page)
