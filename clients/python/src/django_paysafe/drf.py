"""For Django REST framework: `EXCEPTION_HANDLER = "django_paysafe.drf.exception_handler"`."""

from __future__ import annotations

from typing import Any, Dict, Optional

from rest_framework.response import Response
from rest_framework.views import exception_handler as default_handler
from rest_framework.views import set_rollback

from .errors import refusal_of


def exception_handler(error: Exception, context: Dict[str, Any]) -> Optional[Response]:
    """Refusals as 403, 409 or 422 with `detail` and `code`; all else as usual.

    What is checked at COMMIT under ATOMIC_REQUESTS arises after the view:
    `RefusalMiddleware` answers that in the same form.
    """
    refusal = refusal_of(error)
    if refusal is None:
        return default_handler(error, context)
    set_rollback()
    return Response(refusal.as_json(), status=refusal.http_status)
