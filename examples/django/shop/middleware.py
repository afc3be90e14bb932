"""Shows what the database refuses where it was tried, instead of a page 500."""

from django.contrib import messages
from django.db import Error
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect


def refusal_of(error: BaseException) -> "tuple[str, str, str] | None":
    """Message, detail and hint, if paysafe has refused a change."""
    diag = getattr(error.__cause__, "diag", None)
    if not isinstance(error, Error) or diag is None:
        return None
    if not (diag.constraint_name or "").startswith("paysafe_"):
        return None
    return diag.message_primary, diag.message_detail or "", diag.message_hint or ""


class RefusalMiddleware:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(
        self, request: HttpRequest, error: Exception
    ) -> "HttpResponse | None":
        refusal = refusal_of(error)
        if refusal is None or not request.path.startswith("/admin/"):
            return None
        messages.error(request, " ".join(text for text in refusal if text))
        return HttpResponseRedirect(request.get_full_path())
