"""For the admin: what paysafe guards is looked at, and approved, not edited.

Whoever works here learns what to do: which refund waits for whom, with a button to ask
for the approval and one to give it; what has happened although a rule refuses it, with one
to settle it.  Nothing has to be done in SQL.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.contrib.admin.sites import all_sites
from django.contrib.admin.utils import quote, unquote
from django.contrib.auth import get_permission_codename, get_user_model
from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.mail import EmailMessage
from django.db import DatabaseError, connections, models, router
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, path, reverse
from django.utils.text import capfirst, get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from . import approvals, breaches
from .approvals import Pending, key_of, pending_of
from .claims import current_claim
from .connections import unclaimed
from .errors import Refusal, advice_of, atomic
from .people import CLIENT, name_of, user_actor, with_names

__all__ = [
    "ApproveActionMixin",
    "BreachesMixin",
    "HistoryMixin",
    "ReadOnlyAdminMixin",
    "RefundAdmin",
    "RefundRequestMixin",
    "key_of",
]


class ReadOnlyAdminMixin:
    """Nothing is added, changed or deleted; who may view the model sees all of it."""

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ApprovalForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3})
    )
    ticket = forms.CharField(label=gettext_lazy("Ticket"), max_length=200, required=False)


def _own(request: HttpRequest, *names: Optional[str]) -> bool:
    """Is one of these whoever is logged in, or their token?"""
    claim = current_claim()
    mine = {claim.actor if claim else None, f"{CLIENT}:{request.user.pk}"}
    return any(name is not None and name in mine for name in names)


def _may(request: HttpRequest, verb: str, opts: Any) -> bool:
    codename = get_permission_codename(verb, opts)
    return bool(request.user.has_perm(f"{opts.app_label}.{codename}"))


def _may_approve(request: HttpRequest, opts: Any) -> bool:
    return _may(request, "approve", opts)


def _approvers(request: HttpRequest, opts: Any, *involved: Optional[str]) -> List[Any]:
    """Who else has the permission, and works here."""
    permission = f"{opts.app_label}.{get_permission_codename('approve', opts)}"
    # superusers too; of permissions that come from elsewhere Django knows no list
    users: Any = ModelBackend().with_perm(permission)
    users = users.exclude(pk=request.user.pk)
    if hasattr(get_user_model(), "is_staff"):
        users = users.filter(is_staff=True)
    kinds = (f"{kind}:" for kind in (get_user_model()._meta.model_name, CLIENT))
    owners = {(name or "").removeprefix(kind) for kind in kinds for name in involved}
    return [user for user in users.order_by("pk") if str(user.pk) not in owners]


def _ask(model_admin: Any, request: HttpRequest, obj: Any, what: str, approvers: List[Any]) -> None:
    """Ask these people, by mail where they have an address, and say so."""
    if not approvers:
        messages.warning(
            request, _("%s waits, and nobody else has the permission to approve it.") % what
        )
        return
    page = request.build_absolute_uri(_page(model_admin, obj))
    model_admin.notify_approvers(request, obj, what, page, approvers)
    names = get_text_list([str(user.get_username()) for user in approvers], _("or"))
    messages.success(
        request, _("%(what)s: asked %(names)s to approve it.") % {"what": what, "names": names}
    )
    model_admin.log_change(
        request, obj, _("%(what)s: asked %(names)s to approve it.") % {"what": what, "names": names}
    )


def _page(model_admin: Any, obj: Any, view: str = "change") -> str:
    opts = model_admin.opts
    return reverse(
        f"admin:{opts.app_label}_{opts.model_name}_{view}",
        args=[quote(obj.pk)],
        current_app=model_admin.admin_site.name,
    )


class _Notifies:
    def notify_approvers(
        self, request: HttpRequest, obj: Any, what: str, page: str, approvers: List[Any]
    ) -> None:
        """Tell these users that somebody asks for their approval: by mail, here.  Whether
        it arrives decides nothing."""
        field = get_user_model().get_email_field_name()
        addresses = [address for user in approvers if (address := getattr(user, field, ""))]
        if addresses:
            person = name_of(user_actor(request))
            EmailMessage(
                subject=_("Approval needed: %s") % what,
                body=_("%(person)s asks for your approval: %(what)s\n%(page)s\n")
                % {"person": person, "what": what, "page": page},
                bcc=addresses,
            ).send(fail_silently=True)


class ApproveActionMixin(_Notifies):
    """Refunds that wait for approval: what for, and buttons to ask for it and to give it.

    On a refund's page and, for several, as an action, each as it stands, with a reason.
    Approving is for whom has the permission `approve_<model>`: put it into the
    model's Meta.permissions.  Whether this person may approve this refund is for
    the database to say, which knows who requested it.  `ActorMiddleware` says who
    the person is.
    """

    approve_template = "django_paysafe/approve.html"
    change_form_template: Any = "django_paysafe/change_form.html"

    actions: Any = ["approve_selected"]

    def has_approve_permission(self, request: HttpRequest) -> bool:
        return _may_approve(request, self.opts)  # type: ignore[attr-defined]

    # several, from the list

    @admin.action(
        description=gettext_lazy("Approve selected %(verbose_name_plural)s"),
        permissions=["approve"],
    )
    def approve_selected(
        self, request: HttpRequest, queryset: QuerySet[Any]
    ) -> Optional[TemplateResponse]:
        if not self.has_approve_permission(request):
            return None
        form = ApprovalForm(request.POST if "approve" in request.POST else None)
        if form.is_valid():
            self._approve(request, list(queryset), form.cleaned_data)
            return None
        return self._approval_page(request, form, list(queryset))

    def _approval_page(
        self, request: HttpRequest, form: ApprovalForm, rows: List[Any], **context: Any
    ) -> TemplateResponse:
        """Asks for the reason, and shows what is to be approved."""
        context = {
            **self.admin_site.each_context(request),  # type: ignore[attr-defined]
            "title": _("Approve"),
            "opts": self.opts,  # type: ignore[attr-defined]
            "form": form,
            "refunds": self._pending(rows),
            "action_checkbox_name": helpers.ACTION_CHECKBOX_NAME,
            **context,
        }
        return TemplateResponse(request, self.approve_template, context)

    def _pending(self, rows: List[Any]) -> List[Tuple[Any, Optional[Pending]]]:
        """The rows, each with what paysafe says it waits for."""
        model = self.model  # type: ignore[attr-defined]
        pending = pending_of(rows, router.db_for_write(model))
        return [(row, pending.get(key_of(row))) for row in rows]

    def _approve(self, request: HttpRequest, rows: List[Any], given: Dict[str, Any]) -> None:
        """Each by itself: one that cannot be approved gets a message, the others pass."""
        using = router.db_for_write(self.model)  # type: ignore[attr-defined]
        reason, ticket = given["reason"].strip(), given["ticket"] or None
        approved = 0
        for row, pending in self._pending(rows):
            if pending is not None and _own(request, *pending.involved):
                text = _("you, or your token, requested it, or changed it: somebody else approves it.")
                messages.error(request, f"{row}: {text}")
                continue
            try:
                with atomic(using=using):
                    approvals.approve(row, reason, ticket, using)
            except DatabaseError as error:
                # refused, or nothing that can be approved: it is gone, or its table has no rule
                messages.error(request, f"{row}: {with_names(advice_of(error))}")
                continue
            approved += 1
            self.log_change(request, row, _("Approved: %s") % reason)  # type: ignore[attr-defined]
        if approved:
            messages.success(
                request,
                ngettext("%d approval is on record.", "%d approvals are on record.", approved)
                % approved,
            )

    # one, from its page

    def get_urls(self) -> List[Any]:
        opts, site = self.opts, self.admin_site  # type: ignore[attr-defined]
        name = f"{opts.app_label}_{opts.model_name}"
        own = [
            path(f"<path:object_id>/{verb}/", site.admin_view(view), name=f"{name}_{verb}")
            for verb, view in (("approve", self.approve_view), ("ask", self.ask_view))
        ]
        return [*own, *super().get_urls()]  # type: ignore[misc]

    def render_change_form(
        self, request: HttpRequest, context: Dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        obj = kwargs.get("obj") or (args[3] if len(args) > 3 else None)
        if obj is not None:
            context["paysafe_approval"] = self._approval_of(request, obj)
        return super().render_change_form(request, context, *args, **kwargs)  # type: ignore[misc]

    def _approval_of(self, request: HttpRequest, obj: Any) -> Optional[Dict[str, Any]]:
        """For the page of a refund: what it waits for, and what this person can do."""
        [(_row, pending)] = self._pending([obj])
        if pending is None:
            return None
        own = _own(request, *pending.involved)
        may = not own and self.has_approve_permission(request)
        return {
            "pending": pending,
            "own": own,
            "approve_url": _page(self, obj, "approve") if may else None,
            "ask_url": _page(self, obj, "ask"),
        }

    def _object(self, request: HttpRequest, object_id: str) -> Any:
        obj = self.get_object(request, unquote(object_id))  # type: ignore[attr-defined]
        if obj is None:
            raise Http404
        if not self.has_view_or_change_permission(request, obj):  # type: ignore[attr-defined]
            raise PermissionDenied
        return obj

    def approve_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        obj = self._object(request, object_id)
        if not self.has_approve_permission(request):
            raise PermissionDenied
        form = ApprovalForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            self._approve(request, [obj], form.cleaned_data)
            return HttpResponseRedirect(_page(self, obj))
        return self._approval_page(request, form, [obj], original=obj)

    def ask_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        obj = self._object(request, object_id)
        [(_row, pending)] = self._pending([obj])
        if request.method != "POST":
            return HttpResponseRedirect(_page(self, obj))
        if pending is None:
            messages.info(request, _("%s needs no approval now.") % capfirst(str(obj)))
        else:
            opts = self.opts  # type: ignore[attr-defined]
            what = f"{capfirst(str(obj))}, {pending.money}"
            _ask(self, request, obj, what, _approvers(request, opts, *pending.involved))
        return HttpResponseRedirect(_page(self, obj))


def approval_page(request: HttpRequest, refusal: Refusal) -> Optional[str]:
    """The admin's page of the refund that was refused for want of an approval, if it has
    one: it has the buttons."""
    begin = 'refund "'
    key, quoted, _rest = refusal.message.removeprefix(begin).partition('" of ')
    if not refusal.message.startswith(begin) or not quoted:
        return None
    namespaces = request.resolver_match.namespaces if request.resolver_match else []
    sites = sorted(all_sites, key=lambda site: (site.name not in namespaces, site.name))
    for site in sites:
        for model, model_admin in site._registry.items():
            if model._meta.db_table == refusal.table and isinstance(
                model_admin, ApproveActionMixin
            ):
                try:
                    obj = model._default_manager.filter(pk=key).first()
                    return None if obj is None else _page(model_admin, obj)
                except (ValidationError, ValueError, TypeError, NoReverseMatch, DatabaseError):
                    return None
    return None


class RefundRequestForm(ApprovalForm):
    amount = forms.DecimalField(label=gettext_lazy("Amount"), min_value=0)
    currency = forms.CharField(label=gettext_lazy("Currency"), max_length=10)
    field_order = ["amount", "currency"]


class RefundRequestMixin(_Notifies):
    """For the admin of payments whose refunds are rows only when the provider is called:
    buttons to ask for the approval of a refund, and to give it, before.

    `refund_model` is the refunds' model.  Asking is for whom has the permission
    `add_<refund>`, approving for whom has `approve_<refund>`.
    """

    refund_model: Any = None
    refund_rule: Optional[str] = None
    """Which rule is of these payments, where that model has several, or one with a name."""
    refund_currency = "currency"
    """A field of the payment, or a path over foreign keys as in a queryset."""
    change_form_template: Any = "django_paysafe/payment_change_form.html"
    request_template = "django_paysafe/request.html"

    def get_urls(self) -> List[Any]:
        opts, site = self.opts, self.admin_site  # type: ignore[attr-defined]
        name = f"{opts.app_label}_{opts.model_name}"
        own = [
            path(f"<path:object_id>/refund/{verb}/", site.admin_view(view), name=f"{name}_{verb}")
            for verb, view in (
                ("approve_refund", self.approve_refund_view),
                ("ask_refund", self.ask_refund_view),
            )
        ]
        return [*own, *super().get_urls()]  # type: ignore[misc]

    def _may_ask(self, request: HttpRequest) -> bool:
        return _may(request, "add", self.refund_model._meta)

    def render_change_form(
        self, request: HttpRequest, context: Dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        obj = kwargs.get("obj") or (args[3] if len(args) > 3 else None)
        if obj is not None:
            using = router.db_for_write(self.refund_model)
            may = _may_approve(request, self.refund_model._meta)
            context["paysafe_refunds"] = {
                "waiting": [
                    (pending, may and not _own(request, *pending.involved))
                    for pending in approvals.pending_before_row(
                        self.refund_model, obj, using, self.refund_rule
                    )
                ],
                "approve_url": _page(self, obj, "approve_refund"),
                "ask_url": _page(self, obj, "ask_refund") if self._may_ask(request) else None,
            }
        return super().render_change_form(request, context, *args, **kwargs)  # type: ignore[misc]

    def ask_refund_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if not self._may_ask(request):
            raise PermissionDenied
        return self._refund_view(
            request, object_id, _("Ask for approval"), approvals.request_refund
        )

    def approve_refund_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if not _may_approve(request, self.refund_model._meta):
            raise PermissionDenied
        return self._refund_view(request, object_id, _("Approve"), approvals.approve_refund)

    def _refund_view(
        self, request: HttpRequest, object_id: str, title: str, call: Any
    ) -> HttpResponse:
        payment = self.get_object(request, unquote(object_id))  # type: ignore[attr-defined]
        if payment is None:
            raise Http404
        if not self.has_view_or_change_permission(request, payment):  # type: ignore[attr-defined]
            raise PermissionDenied
        using = router.db_for_write(self.refund_model)
        initial = {
            "amount": request.GET.get("amount"),
            "currency": request.GET.get("currency") or self._currency(payment),
        }
        form = RefundRequestForm(request.POST or None, initial=initial)
        if form.is_valid() and self._call(request, payment, call, form.cleaned_data, using):
            return HttpResponseRedirect(_page(self, payment))
        context = {
            **self.admin_site.each_context(request),  # type: ignore[attr-defined]
            "title": title,
            "opts": self.opts,  # type: ignore[attr-defined]
            "original": payment,
            "form": form,
        }
        return TemplateResponse(request, self.request_template, context)

    def _currency(self, payment: Any) -> str:
        value = payment
        for step in self.refund_currency.split("__"):
            value = getattr(value, step)
        return str(value)

    def _call(
        self, request: HttpRequest, payment: Any, call: Any, given: Dict[str, Any], using: str
    ) -> bool:
        amount, currency = given["amount"], given["currency"]
        reason, ticket = given["reason"].strip(), given["ticket"] or None
        what = f"{capfirst(self.refund_model._meta.verbose_name)}, {amount} {currency}"
        try:
            with atomic(using=using):
                rule = self.refund_rule
                units = approvals.units_of(self.refund_model, amount, currency, using, rule)
                key = key_of(payment)
                call(self.refund_model, key, units, currency, reason, ticket, using, rule)
        except DatabaseError as error:
            messages.error(request, with_names(advice_of(error)))
            return False
        if call is approvals.request_refund:
            _ask(self, request, payment, what, _approvers(request, self.refund_model._meta))
        else:
            messages.success(request, _("%s: the approval is on record.") % what)
            self.log_change(  # type: ignore[attr-defined]
                request, payment, f"{what}: " + _("Approved: %s") % reason
            )
        return True


class _Entry(NamedTuple):
    at: Any
    op: str
    person: str
    changes: List[Tuple[str, str, str]]
    reason: Optional[str]
    ticket: Optional[str]
    request_id: Optional[str]


class HistoryMixin:
    """Beside Django's history, which has what was done in the admin, paysafe's, which has
    what became of the row whoever changed it.

    The role needs EXECUTE on `paysafe.history`.
    """

    object_history_template: Any = "django_paysafe/object_history.html"

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Optional[Dict[str, Any]] = None
    ) -> Any:
        # asked for by the template: after it is known that the person may see it
        def recorded() -> Optional[List[_Entry]]:
            obj = self.get_object(request, unquote(object_id))  # type: ignore[attr-defined]
            return None if obj is None else self._recorded(obj)

        return super().history_view(  # type: ignore[misc]
            request, object_id, {"paysafe_history": recorded, **(extra_context or {})}
        )

    def _recorded(self, obj: models.Model) -> Optional[List[_Entry]]:
        """The life of a row; None if the role may not read it."""
        using = router.db_for_read(type(obj), instance=obj)
        with unclaimed(using), connections[using].cursor() as cursor:
            cursor.execute(
                "SELECT coalesce(bool_and(has_function_privilege(oid, 'EXECUTE')), false)"
                " FROM pg_proc WHERE proname = 'history' AND pronamespace = 'paysafe'::regnamespace"
            )
            if not cursor.fetchone()[0]:
                return None
            cursor.execute(
                "SELECT at, op, CASE WHEN actor_claimed THEN actor ELSE login END,"
                " before::text, after::text, reason, ticket, request_id"
                " FROM paysafe.history(%s::regclass, %s)",
                [approvals.relation_of(type(obj), using), key_of(obj)],
            )
            rows = cursor.fetchall()
        names = {actor: name_of(actor) for actor in {row[2] for row in rows}}
        return [
            _Entry(at, op, names[actor], _changes(before, after), *rest)
            for at, op, actor, before, after, *rest in rows
        ]


def _changes(before: Optional[str], after: Optional[str]) -> List[Tuple[str, str, str]]:
    """What differs, by column; of a row that was added or deleted, all that it said."""
    # numbers as they were written, not as floats
    old, new = (json.loads(row or "{}", parse_float=str) for row in (before, after))
    return [
        (column, _said(old.get(column)), _said(new.get(column)))
        for column in [*old, *(column for column in new if column not in old)]
        if old.get(column) != new.get(column)
    ]


def _said(value: Any) -> str:
    if value is None:
        return "–"
    return value if isinstance(value, str) else json.dumps(value)


class BreachesMixin:
    """What has happened although a rule refuses it: a page of the model, and a box on the page
    of each row, with a button for whoever settles it; beneath, what rules that only observe
    have seen.

    Settling is for whom has the permission `settle_<model>`; whether this person may
    settle this breach, which somebody else caused, is for the database to say.  The role
    needs SELECT on `paysafe.breach` and EXECUTE on `paysafe.settle_breach`.
    """

    change_list_template: Any = "django_paysafe/change_list.html"
    change_form_template: Any = "django_paysafe/breaches_change_form.html"
    breaches_template = "django_paysafe/breaches.html"
    settle_template = "django_paysafe/settle.html"

    def has_settle_permission(self, request: HttpRequest) -> bool:
        return _may(request, "settle", self.opts)  # type: ignore[attr-defined]

    def get_urls(self) -> List[Any]:
        opts, site = self.opts, self.admin_site  # type: ignore[attr-defined]
        name = f"{opts.app_label}_{opts.model_name}"
        own = [
            path("breaches/", site.admin_view(self.breaches_view), name=f"{name}_breaches"),
            path(
                "breaches/<int:breach_id>/",
                site.admin_view(self.settle_view),
                name=f"{name}_settle",
            ),
        ]
        return [*own, *super().get_urls()]  # type: ignore[misc]

    def changelist_view(
        self, request: HttpRequest, extra_context: Optional[Dict[str, Any]] = None
    ) -> Any:
        # asked for by the template: after it is known that the person may see it
        def link() -> Dict[str, Any]:
            return {"url": self._breaches_page("breaches"), "count": len(self._breaches() or [])}

        return super().changelist_view(  # type: ignore[misc]
            request, {"paysafe_breaches_link": link, **(extra_context or {})}
        )

    def render_change_form(
        self, request: HttpRequest, context: Dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        obj = kwargs.get("obj") or (args[3] if len(args) > 3 else None)
        if obj is not None:
            found = self._breaches(key_of(obj)) or []
            context["paysafe_breaches"] = self._shown(request, found)
        return super().render_change_form(request, context, *args, **kwargs)  # type: ignore[misc]

    def breaches_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_or_change_permission(request):  # type: ignore[attr-defined]
            raise PermissionDenied
        model = self.model  # type: ignore[attr-defined]
        found = self._breaches()
        context = {
            **self.admin_site.each_context(request),  # type: ignore[attr-defined]
            "title": _("Breaches"),
            "opts": self.opts,  # type: ignore[attr-defined]
            "readable": found is not None,
            "breaches": self._shown(request, self._with_rows(found or [])),
            "observed": breaches.observed(model, router.db_for_write(model)),
        }
        return TemplateResponse(request, self.breaches_template, context)

    def settle_view(self, request: HttpRequest, breach_id: int) -> HttpResponse:
        if not self.has_view_or_change_permission(request):  # type: ignore[attr-defined]
            raise PermissionDenied
        if not self.has_settle_permission(request):
            raise PermissionDenied
        # of this model: others have permissions of their own
        found = [one for one in self._breaches() or [] if one.id == breach_id]
        if not found:
            messages.info(request, _("This breach is settled."))
            return HttpResponseRedirect(self._breaches_page("breaches"))
        [breach] = self._with_rows(found)
        form = ApprovalForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            self._settle(request, breach, form.cleaned_data)
            return HttpResponseRedirect(self._breaches_page("breaches"))
        context = {
            **self.admin_site.each_context(request),  # type: ignore[attr-defined]
            "title": _("Settle"),
            "opts": self.opts,  # type: ignore[attr-defined]
            "form": form,
            "breaches": self._shown(request, [breach]),
            "breaches_url": self._breaches_page("breaches"),
        }
        return TemplateResponse(request, self.settle_template, context)

    def _settle(self, request: HttpRequest, breach: breaches.Breach, given: Dict[str, Any]) -> None:
        using = router.db_for_write(self.model)  # type: ignore[attr-defined]
        reason = given["reason"].strip()
        try:
            with atomic(using=using):
                done = breaches.settle(breach, reason, given["ticket"] or None, using)
        except DatabaseError as error:
            messages.error(request, with_names(advice_of(error)))
            return
        if done:
            messages.success(request, _("The breach is settled."))
        else:
            messages.warning(
                request, _("It is on record; yet another person has to settle it, too.")
            )
        if breach.row is not None:
            self.log_change(  # type: ignore[attr-defined]
                request, breach.row, _("Breach settled: %s") % reason
            )

    def _breaches_page(self, view: str, *args: Any) -> str:
        opts, site = self.opts, self.admin_site  # type: ignore[attr-defined]
        name = f"admin:{opts.app_label}_{opts.model_name}_{view}"
        return reverse(name, args=args, current_app=site.name)

    def _breaches(self, key: Optional[str] = None) -> Optional[List[breaches.Breach]]:
        """Open ones; None if the role may not read them."""
        model = self.model  # type: ignore[attr-defined]
        using = router.db_for_write(model)
        return breaches.open_breaches(model, using, key) if breaches.may_read(using) else None

    def _with_rows(self, found: List[breaches.Breach]) -> List[breaches.Breach]:
        """With the objects that they are about, as far as their keys say which these are."""
        manager = self.model._default_manager  # type: ignore[attr-defined]
        try:
            rows = manager.filter(pk__in={breach.key for breach in found})
            by_key = {key_of(row): row for row in rows}
        except (ValidationError, ValueError, TypeError):
            by_key = {}
        return [replace(breach, row=by_key.get(breach.key)) for breach in found]

    def _shown(self, request: HttpRequest, found: List[breaches.Breach]) -> List[Dict[str, Any]]:
        """For a page: what it says, and what this person can do."""
        may = self.has_settle_permission(request)
        shown = []
        for breach in found:
            own = _own(request, breach.actor)
            shown.append(
                {
                    "breach": breach,
                    "text": with_names(breach.text),
                    "row_url": None if breach.row is None else _page(self, breach.row),
                    "own": own,
                    "settle_url": (
                        self._breaches_page("settle", breach.id) if may and not own else None
                    ),
                }
            )
        return shown


class RefundAdmin(
    ReadOnlyAdminMixin,
    ApproveActionMixin,
    HistoryMixin,
    BreachesMixin,
    admin.ModelAdmin,  # type: ignore[type-arg]
):
    """All of it: refunds are viewed and approved, their breaches settled, with their history."""
