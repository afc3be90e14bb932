"""Who acts in a request, and what a refusal looks like in the browser."""

from __future__ import annotations

import re
import uuid
from typing import Any, AsyncIterator, Awaitable, Callable, Iterator, Optional, Union

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.contrib import messages
from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase, HttpResponseRedirect
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from .claims import acting
from .errors import ApprovalNeeded, Refusal, refusal_of
from .people import user_actor, with_names
from .tokens import source_for

__all__ = ["ActorMiddleware", "RefusalMiddleware", "user_actor"]

_JSON = re.compile(r"application/(?:[\w.+-]+\+)?json")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")

GetResponse = Callable[[HttpRequest], Union[HttpResponseBase, Awaitable[HttpResponseBase]]]


def request_id(request: HttpRequest) -> str:
    """The id that the proxy gave the request, or else a new one."""
    header = getattr(settings, "PAYSAFE_REQUEST_ID_HEADER", "X-Request-ID")
    given = request.headers.get(header, "")
    return given if _REQUEST_ID.fullmatch(given) else str(uuid.uuid4())


class ActorMiddleware:
    """Everything that a request writes is recorded under its user and its id.

    Put it first.  Settings: `PAYSAFE_ACTOR`, the dotted name of a function like
    `user_actor`; `PAYSAFE_REQUEST_ID_HEADER`; `PAYSAFE_DATABASES`, a list of
    aliases (default: every PostgreSQL database); `PAYSAFE_TOKENS`, who signs who acts;
    `PAYSAFE_ORIGIN`, the dotted name of a function that returns the address from which a
    request comes, for limits of failed attempts (the role needs `act_from` then).  The id
    is also in `request.paysafe_request_id` and in the response's header.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        name = getattr(settings, "PAYSAFE_ACTOR", None)
        self.actor: Callable[[HttpRequest], Optional[str]] = (
            import_string(name) if name else user_actor
        )
        origin = getattr(settings, "PAYSAFE_ORIGIN", None)
        self.origin: Callable[[HttpRequest], Optional[str]] = (
            import_string(origin) if origin else lambda request: None
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
            token=source_for(request),
            origin=self.origin(request),
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

    On pages of staff: a message on the page that the change came from, with the way
    out.  Those are the admin's, of whatever site, and any that a member of staff
    (`is_staff`) is at; or, if `PAYSAFE_STAFF_APPS` names apps (their URLs' `app_name`),
    the pages of those.  For clients that are no browsers, whatever they accept: the status
    403, 409 or 422 with a code and a sentence that gives nothing away, in JSON.  Other
    pages are the application's: there the exception goes on.
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
        apps = set(request.resolver_match.app_names) if request.resolver_match else set()
        named = getattr(settings, "PAYSAFE_STAFF_APPS", None)
        if apps.isdisjoint(["admin"] if named is None else named):
            if not is_page(request):
                return JsonResponse(refusal.as_json(), status=refusal.http_status)
            if named is not None or not is_by_staff(request):
                return None
        if request.method != "POST" or not hasattr(request, "_messages"):
            return None
        messages.error(request, _words(request, refusal))
        return HttpResponseRedirect(request.get_full_path() if "admin" in apps else _back(request))


def is_page(request: HttpRequest) -> bool:
    """Is it a person's browser that asks, for a page?

    Browsers say that they take HTML, not JSON, and send no tokens; what `fetch` sends is
    no page.
    """
    view = getattr(request.resolver_match, "func", None)
    if hasattr(getattr(view, "cls", None), "authentication_classes"):
        return False  # a view of Django REST framework
    if _JSON.fullmatch(request.content_type or ""):
        return False
    scheme = request.headers.get("Authorization", "").partition(" ")[0].lower()
    if scheme not in ("", "basic", "negotiate", "ntlm"):
        return False
    if request.headers.get("Sec-Fetch-Dest", "document") not in ("document", "iframe", "frame"):
        return False
    accepted = {t.partition(";")[0].strip() for t in request.headers.get("Accept", "").split(",")}
    if any(_JSON.fullmatch(kind) for kind in accepted):
        return False
    return not accepted.isdisjoint(("text/html", "application/xhtml+xml"))


def is_by_staff(request: HttpRequest) -> bool:
    """Does somebody ask who may read what the database says?"""
    try:
        user = getattr(request, "user", None)
        return bool(user is not None and user.is_active and getattr(user, "is_staff", False))
    except DatabaseError:  # nobody has asked who it is, and now it is too late
        return False


def _back(request: HttpRequest) -> str:
    """The page with the form, which need not be the one that takes it."""
    before = request.headers.get("Referer", "")
    if before and url_has_allowed_host_and_scheme(
        before, {request.get_host()}, require_https=request.is_secure()
    ):
        return before
    return request.get_full_path()


def _words(request: HttpRequest, refusal: Refusal) -> str:
    """What it says, in people's names; what waits for an approval with a way to its page."""
    try:
        text = with_names(refusal.advice)
    except DatabaseError:  # in a transaction that has failed
        text = refusal.advice
    if not isinstance(refusal, ApprovalNeeded):
        return text
    from .admin import approval_page

    page = approval_page(request, refusal)
    if page is None:
        return text
    return format_html('{} <a class="button" href="{}">{}</a>', text, page, _("Ask for approval"))
