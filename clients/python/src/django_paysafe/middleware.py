"""Who acts in a request, and what a refusal looks like in the browser."""

from __future__ import annotations

import re
import uuid
from typing import Any, AsyncIterator, Awaitable, Callable, Iterator, Optional, Union

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase, HttpResponseRedirect
from django.utils.module_loading import import_string

from .claims import acting
from .errors import refusal_of

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")

GetResponse = Callable[[HttpRequest], Union[HttpResponseBase, Awaitable[HttpResponseBase]]]


def user_actor(request: HttpRequest) -> Optional[str]:
    """The actor of a request: `user:17`, by primary key.  Nobody: None.

    Names can be changed, and a person who has another name would count as
    another person who approves.
    """
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return None
    actor = getattr(user, "paysafe_actor", None)
    return str(actor) if actor else f"{user._meta.model_name}:{user.pk}"


def request_id(request: HttpRequest) -> str:
    """The id that the proxy gave the request, or else a new one."""
    header = getattr(settings, "PAYSAFE_REQUEST_ID_HEADER", "X-Request-ID")
    given = request.headers.get(header, "")
    return given if _REQUEST_ID.fullmatch(given) else str(uuid.uuid4())


class ActorMiddleware:
    """Everything that a request writes is recorded under its user and its id.

    Put it first.  Settings: `PAYSAFE_ACTOR`, the dotted name of a function like
    `user_actor`; `PAYSAFE_REQUEST_ID_HEADER`; `PAYSAFE_DATABASES`, a list of
    aliases (default: every PostgreSQL database).  The id is also in
    `request.paysafe_request_id` and in the response's header.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        name = getattr(settings, "PAYSAFE_ACTOR", None)
        self.actor: Callable[[HttpRequest], Optional[str]] = (
            import_string(name) if name else user_actor
        )
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(
        self, request: HttpRequest
    ) -> Union[HttpResponseBase, Awaitable[HttpResponseBase]]:
        if self.is_async:
            return self._acall(request)
        with self._acting(request):
            response = self.get_response(request)
        assert isinstance(response, HttpResponseBase)
        return self._finish(request, response)

    async def _acall(self, request: HttpRequest) -> HttpResponseBase:
        with self._acting(request):
            response = await self.get_response(request)  # type: ignore[misc]
        return self._finish(request, response)

    def _acting(self, request: HttpRequest) -> Any:
        if not hasattr(request, "paysafe_request_id"):
            request.paysafe_request_id = request_id(request)  # type: ignore[attr-defined]
        return acting(
            lambda: self.actor(request),
            request_id=request.paysafe_request_id,  # type: ignore[attr-defined]
        )

    def _finish(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        header = getattr(settings, "PAYSAFE_REQUEST_ID_HEADER", "X-Request-ID")
        response.headers.setdefault(
            header, request.paysafe_request_id  # type: ignore[attr-defined]
        )
        # what a streaming response writes, it writes after we have returned
        if getattr(response, "streaming", False):
            stream: Any = response
            if getattr(response, "is_async", False):
                stream.streaming_content = self._astream(request, stream.streaming_content)
            else:
                stream.streaming_content = self._stream(request, stream.streaming_content)
        return response

    def _stream(self, request: HttpRequest, content: Iterator[Any]) -> Iterator[Any]:
        end = object()
        while True:
            with self._acting(request):
                chunk = next(content, end)
            if chunk is end:
                return
            yield chunk

    async def _astream(
        self, request: HttpRequest, content: AsyncIterator[Any]
    ) -> AsyncIterator[Any]:
        while True:
            with self._acting(request):
                try:
                    chunk = await content.__anext__()
                except StopAsyncIteration:
                    return
            yield chunk


class RefusalMiddleware:
    """A refusal becomes an answer instead of an error 500.

    In the admin, and in other apps that staff works in and `PAYSAFE_STAFF_APPS` names
    (their URLs' `app_name`): a message on the page that the change came from, with the
    way out.  For clients that want JSON: the status 403,
    409 or 422 with a code and a sentence that gives nothing away.  Other pages
    are the application's: there the exception goes on.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(
        self, request: HttpRequest
    ) -> Union[HttpResponseBase, Awaitable[HttpResponseBase]]:
        return self.get_response(request)

    def process_exception(
        self, request: HttpRequest, error: Exception
    ) -> Optional[HttpResponseBase]:
        refusal = refusal_of(error)
        if refusal is None:
            return None
        match = request.resolver_match
        staff = getattr(settings, "PAYSAFE_STAFF_APPS", ["admin"])
        if match is not None and not set(staff).isdisjoint(match.app_names):
            if request.method != "POST" or not hasattr(request, "_messages"):
                return None
            messages.error(request, refusal.explanation)
            return HttpResponseRedirect(request.get_full_path())
        if "application/json" in (
            request.content_type or "",
            *(t.strip().split(";")[0] for t in request.headers.get("Accept", "").split(",")),
        ):
            return JsonResponse(refusal.as_json(), status=refusal.http_status)
        return None
