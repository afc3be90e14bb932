"""For Django REST framework: limits of `paysafe.throttle`, which all workers share.

class LoginThrottle(ThrottlePolicy):
    policy = "login"

    def get_key(self, request, view):
        return {"user": request.data["user"], "address": request.META["REMOTE_ADDR"]}

class LoginView(APIView):
    throttle_classes = [LoginThrottle]
"""

from __future__ import annotations

from typing import Optional

from django.db import DEFAULT_DB_ALIAS
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from .throttle import Key, Limit, note, seconds, take


class ThrottlePolicy(BaseThrottle):
    """Refuses with 429 and `Retry-After`; `RateLimitMiddleware` adds the other headers.

    Without `get_key`, users are counted by their key, and those who are nobody by the
    address that the request came from, as `{"user": …, "address": …}`.
    """

    policy = ""
    cost = 1
    using = DEFAULT_DB_ALIAS
    _limit: Optional[Limit] = None

    def get_key(self, request: Request, view: APIView) -> Key:
        user = request.user
        name = str(user.pk) if user is not None and user.is_authenticated else "anonymous"
        return {"user": name, "address": request.META.get("REMOTE_ADDR") or "unknown"}

    def get_tier(self, request: Request, view: APIView) -> str:
        return "default"

    def allow_request(self, request: Request, view: APIView) -> bool:
        self._limit = take(
            self.policy, self.get_key(request, view), self.cost, self.get_tier(request, view), self.using
        )
        note(request._request, self._limit)
        return self._limit.allowed

    def wait(self) -> Optional[float]:
        if self._limit is None or self._limit.retry_after is None:
            return None
        return float(seconds(self._limit.retry_after))
