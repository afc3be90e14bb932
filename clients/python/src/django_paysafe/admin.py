"""For the admin: what paysafe guards is looked at, and approved, not edited."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence, Tuple

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.contrib.auth import get_permission_codename
from django.db import DatabaseError, connections, models, router
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from .errors import atomic, explanation_of


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
        label=_("Reason"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3})
    )
    ticket = forms.CharField(label=_("Ticket"), max_length=200, required=False)


def key_of(obj: models.Model) -> str:
    """The primary key as paysafe writes it: several columns joined by commas."""
    key = obj.pk if isinstance(obj.pk, tuple) else (obj.pk,)
    parts = [str(part).replace("\\", "\\\\").replace(",", "\\,") for part in key]
    return ",".join(parts) if len(parts) > 1 else str(key[0])


class ApproveActionMixin:
    """An action that approves the selected refunds, as they stand, with a reason.

    It is there for whom has the permission `approve_<model>`: put it into the
    model's Meta.permissions.  Whether this person may approve this refund is for
    the database to say, which knows who requested it.  `ActorMiddleware` says who
    the person is.
    """

    approve_template = "django_paysafe/approve.html"

    actions: Any = ["approve_selected"]

    def has_approve_permission(self, request: HttpRequest) -> bool:
        opts = self.opts  # type: ignore[attr-defined]
        codename = get_permission_codename("approve", opts)
        return bool(request.user.has_perm(f"{opts.app_label}.{codename}"))

    @admin.action(
        description=_("Approve selected %(verbose_name_plural)s"), permissions=["approve"]
    )
    def approve_selected(
        self, request: HttpRequest, queryset: QuerySet[Any]
    ) -> Optional[TemplateResponse]:
        if not self.has_approve_permission(request):
            return None
        form = ApprovalForm(request.POST if "approve" in request.POST else None)
        if form.is_valid():
            self._approve(request, queryset, form.cleaned_data)
            return None
        model = self.model  # type: ignore[attr-defined]
        context = {
            **self.admin_site.each_context(request),  # type: ignore[attr-defined]
            "title": _("Approve"),
            "opts": model._meta,
            "form": form,
            "refunds": self._pending(queryset),
            "action_checkbox_name": helpers.ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, self.approve_template, context)

    def _pending(self, queryset: QuerySet[Any]) -> List[Tuple[Any, Optional[Dict[str, Any]]]]:
        """The selected rows, each with what paysafe says it waits for."""
        rows = list(queryset)
        columns: Sequence[str] = (
            "key",
            "amount",
            "currency",
            "status",
            "total_within",
            "threshold",
            "approvals_needed",
            "approvals_given",
            "requested_by",
            "requested_at",
        )
        connection = connections[queryset.db]
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {', '.join(columns)} FROM paysafe.pending_approval"
                " WHERE relation = %s::regclass AND key = ANY (%s)",
                [
                    connection.ops.quote_name(queryset.model._meta.db_table),
                    [key_of(row) for row in rows],
                ],
            )
            pending = {found[0]: dict(zip(columns, found)) for found in cursor.fetchall()}
        return [(row, pending.get(key_of(row))) for row in rows]

    def _approve(
        self, request: HttpRequest, queryset: QuerySet[Any], given: Dict[str, Any]
    ) -> None:
        using = router.db_for_write(queryset.model)
        connection = connections[using]
        relation = connection.ops.quote_name(queryset.model._meta.db_table)
        approved = 0
        for row in queryset:
            try:
                with atomic(using=using), connection.cursor() as cursor:
                    cursor.execute(
                        "SELECT paysafe.approve(%s::regclass, %s, %s, %s)",
                        [relation, key_of(row), given["reason"].strip(), given["ticket"] or None],
                    )
                approved += 1
            except DatabaseError as error:
                # refused, or nothing that can be approved: it is gone, or its table has no rule
                messages.error(request, f"{row}: {explanation_of(error)}")
        if approved:
            messages.success(
                request,
                ngettext("%d approval is on record.", "%d approvals are on record.", approved)
                % approved,
            )


class RefundAdmin(ReadOnlyAdminMixin, ApproveActionMixin, admin.ModelAdmin):  # type: ignore[type-arg]
    """Both: refunds are viewed and approved."""
