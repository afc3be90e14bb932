"""Rules of payments, captures and refunds, as migration operations."""

from __future__ import annotations

import datetime
from typing import Any, Dict, Optional, Sequence, Tuple, Type

from django.db import models
from django.db.migrations.state import ProjectState

from .declarations import NULL, Arguments, Name, Names, RuleOperation, quoted, texts


class ProtectPayment(RuleOperation):
    function = "protect_payment"
    rule = "payment"
    relation_argument = "payment"

    def __init__(
        self,
        model_name: str,
        *,
        status: Name,
        amount: Name,
        captured: Sequence[str],
        captured_amount: Optional[Name] = None,
        currency: Optional[Name] = None,
        currency_code: Optional[str] = None,
        currency_models: Sequence[str] = (),
        changes: Optional[str] = None,
        limit: Optional[Name] = None,
        over_percent: Optional[Any] = None,
        adjustable: Optional[Sequence[str]] = None,
        rows: Optional[Dict[Any, Any]] = None,
        units: Optional[str] = None,
        status_path: Optional[Sequence[str]] = None,
        recorded: Sequence[str] = (),
        decimals: Optional[int] = None,
        mode: str = "enforce",
        replaces: Optional[ProtectPayment] = None,
    ) -> None:
        """currency is a field, or leads over foreign keys to one: "order__event__currency";
        where its steps are none, currency_models says which models they refer to.  With
        currency_code all payments are in that one."""
        super().__init__(model_name, mode=mode, replaces=replaces)
        self.status = status
        self.amount = amount
        self.captured_amount = captured_amount
        self.currency = currency
        self.currency_code = currency_code
        self.currency_models = currency_models
        self.captured = captured
        self.changes = changes
        self.limit = limit
        self.over_percent = over_percent
        self.adjustable = adjustable
        self.rows = rows
        self.decimals = decimals
        self.units = units
        self.status_path = status_path
        self.recorded = recorded

    def arguments(self, model: Type[models.Model], state: ProjectState, app: str) -> Arguments:
        return {
            "status_column": self.name(model, self.status),
            "amount_column": self.name(model, self.amount),
            "captured_column": self.name(model, self.captured_amount),
            **self.currency_of(
                model,
                self.currency,
                self.currency_code,
                [self.model(state, app, other) for other in self.currency_models],
            ),
            "captured": texts(self.captured),
            "changes": (self.changes, "text"),
            "limit_column": self.name(model, self.limit),
            "over_percent": (self.over_percent, "numeric"),
            "adjustable": texts(self.adjustable),
            "rows": self.condition(model, self.rows),
            "decimals": (self.decimals, "int"),
            "units": (self.units, "text"),
            "status_path": texts(self.status_path),
            "recorded": texts(self.recorded or None),
        }


def _related(operation: Any, model: Type[models.Model], state: ProjectState, app: str) -> Any:
    """The model of the payments that an operation's field refers to, if it refers to any."""
    if operation.payment_model is not None:
        return operation.model(state, app, operation.payment_model)
    if not isinstance(operation.payment, str):
        return None
    related = operation.field_of(model, operation.payment).related_model
    return None if isinstance(related, str) else related


def _paid(operation: Any, model: Type[models.Model], state: ProjectState, app: str) -> Any:
    paid = _related(operation, model, state, app)
    if paid is None:
        raise ValueError(f"field {operation.payment!r} does not refer to a payment: payment_model?")
    return paid


class ProtectCaptures(RuleOperation):
    """A table of captures: what they sum to is what a payment has captured."""

    function = "protect_captures"
    rule = "captures"
    relation_argument = "captures"

    def __init__(
        self,
        model_name: str,
        *,
        payment: Names,
        amount: Name,
        payment_model: Optional[str] = None,
        payment_key: Optional[Names] = None,
        currency: Optional[Name] = None,
        currency_code: Optional[str] = None,
        currency_models: Sequence[str] = (),
        status: Optional[Name] = None,
        counted: Optional[Sequence[str]] = None,
        limit: Optional[Name] = None,
        over_percent: Optional[Any] = None,
        recorded: Sequence[str] = (),
        deletable: bool = False,
        rows: Optional[Dict[Any, Any]] = None,
        status_path: Optional[Sequence[str]] = None,
        decimals: Optional[int] = None,
        mode: str = "enforce",
        replaces: Optional[ProtectCaptures] = None,
    ) -> None:
        """limit is a field of the payment; the others are the capture's."""
        super().__init__(model_name, mode=mode, replaces=replaces)
        self.payment = payment
        self.payment_model = payment_model
        self.payment_key = payment_key
        self.amount = amount
        self.currency = currency
        self.currency_code = currency_code
        self.currency_models = currency_models
        self.status = status
        self.counted = counted
        self.limit = limit
        self.over_percent = over_percent
        self.recorded = recorded
        self.deletable = deletable
        self.rows = rows
        self.status_path = status_path
        self.decimals = decimals

    def arguments(self, model: Type[models.Model], state: ProjectState, app: str) -> Arguments:
        paid = _paid(self, model, state, app)
        payment, payment_key = self.keys((model, self.payment), (paid, self.payment_key))
        return {
            "payment": (quoted(paid._meta.db_table), "regclass"),
            "payment_column": payment,
            "payment_key": payment_key,
            "amount_column": self.name(model, self.amount),
            **self.currency_of(
                model,
                self.currency,
                self.currency_code,
                [self.model(state, app, other) for other in self.currency_models],
            ),
            "status_column": self.name(model, self.status),
            "counted": texts(self.counted),
            "limit_column": self.name(paid, self.limit),
            "over_percent": (self.over_percent, "numeric"),
            "recorded": texts(self.recorded or None),
            "deletable": (self.deletable or None, "boolean"),
            "rows": self.condition(model, self.rows),
            "status_path": texts(self.status_path),
            "decimals": (self.decimals, "int"),
        }


class ProtectMovements(RuleOperation):
    """One table whose rows are authorizations, captures, cancellations, refunds and
    chargebacks: two rules, captures and refund."""

    function = "protect_movements"
    rule = "captures"
    relation_argument = "movements"

    def __init__(
        self,
        model_name: str,
        *,
        payment: Names,
        type: Name,
        amount: Name,
        currency: Name,
        payment_model: Optional[str] = None,
        payment_key: Optional[Names] = None,
        authorize: Optional[Sequence[str]] = None,
        capture: Optional[Sequence[str]] = None,
        cancel: Optional[Sequence[str]] = None,
        refund: Optional[Sequence[str]] = None,
        chargeback: Optional[Sequence[str]] = None,
        status: Optional[Name] = None,
        counted: Optional[Sequence[str]] = None,
        gated: Optional[Sequence[str]] = None,
        void: Optional[Sequence[str]] = None,
        over_percent: Optional[Any] = None,
        unapproved: Optional[Sequence[Name]] = None,
        recorded: Sequence[str] = (),
        rows: Optional[Dict[Any, Any]] = None,
        status_path: Optional[Sequence[str]] = None,
        decimals: Optional[int] = None,
        mode: str = "enforce",
        replaces: Optional[ProtectMovements] = None,
    ) -> None:
        """payment is as in ProtectRefund; where it is no foreign key and there is no
        payment_model, the rows that have the same are one payment."""
        super().__init__(model_name, mode=mode, replaces=replaces)
        self.payment = payment
        self.type = type
        self.amount = amount
        self.currency = currency
        self.payment_model = payment_model
        self.payment_key = payment_key
        self.authorize = authorize
        self.capture = capture
        self.cancel = cancel
        self.refund = refund
        self.chargeback = chargeback
        self.status = status
        self.counted = counted
        self.gated = gated
        self.void = void
        self.over_percent = over_percent
        self.unapproved = unapproved
        self.recorded = recorded
        self.rows = rows
        self.status_path = status_path
        self.decimals = decimals

    def rule_names(self) -> Sequence[str]:
        return ["refund", "captures"]

    def arguments(self, model: Type[models.Model], state: ProjectState, app: str) -> Arguments:
        paid = _related(self, model, state, app)
        payment, payment_key = self.keys((model, self.payment), (paid or model, self.payment_key))
        return {
            "payment": (NULL if paid is None else quoted(paid._meta.db_table), "regclass"),
            "payment_column": payment,
            "payment_key": payment_key,
            "type_column": self.name(model, self.type),
            "amount_column": self.name(model, self.amount),
            "currency_column": self.name(model, self.currency),
            "authorize": texts(self.authorize),
            "capture": texts(self.capture),
            "cancel": texts(self.cancel),
            "refund": texts(self.refund),
            "chargeback": texts(self.chargeback),
            "status_column": self.name(model, self.status),
            "counted": texts(self.counted),
            "gated": texts(self.gated),
            "void": texts(self.void),
            "over_percent": (self.over_percent, "numeric"),
            "unapproved_columns": self.names(model, self.unapproved),
            "recorded": texts(self.recorded or None),
            "rows": self.condition(model, self.rows),
            "status_path": texts(self.status_path),
            "decimals": (self.decimals, "int"),
        }


class ProtectRefund(RuleOperation):
    function = "protect_refund"
    rule = "refund"
    relation_argument = "refund"

    def __init__(
        self,
        model_name: str,
        *,
        payment: Names,
        amount: Name,
        payment_model: Optional[str] = None,
        payment_key: Optional[Names] = None,
        currency: Optional[Name] = None,
        currency_code: Optional[str] = None,
        status: Optional[Name] = None,
        gated: Optional[Sequence[str]] = None,
        void: Optional[Sequence[str]] = None,
        payment_amount: Optional[Name] = None,
        payment_currency: Optional[Name] = None,
        unapproved: Optional[Sequence[Name]] = None,
        rows: Optional[Dict[Any, Any]] = None,
        amounts: Optional[str] = None,
        units: Optional[str] = None,
        deletable: bool = False,
        status_path: Optional[Sequence[str]] = None,
        recorded: Sequence[str] = (),
        decimals: Optional[int] = None,
        rule: Optional[str] = None,
        beneficiary: Optional[Name] = None,
        mode: str = "enforce",
        replaces: Optional[ProtectRefund] = None,
    ) -> None:
        """payment is a foreign key, or names the columns of one; then payment_model says
        whose, and payment_key which of its columns they mean.  rule: its name, where the
        model has several, each with its own rows: "refund_deposit".  beneficiary says to whom
        the money goes, for thresholds `per` beneficiary."""
        super().__init__(model_name, mode=mode, replaces=replaces)
        self.rule = rule or self.rule
        self.beneficiary = beneficiary
        self.payment = payment
        self.payment_model = payment_model
        self.payment_key = payment_key
        self.amount = amount
        self.currency = currency
        self.currency_code = currency_code
        self.status = status
        self.gated = gated
        self.void = void
        self.payment_amount = payment_amount
        self.payment_currency = payment_currency
        self.unapproved = unapproved
        self.rows = rows
        self.decimals = decimals
        self.amounts = amounts
        self.units = units
        self.deletable = deletable
        self.status_path = status_path
        self.recorded = recorded

    def arguments(self, model: Type[models.Model], state: ProjectState, app: str) -> Arguments:
        paid = _paid(self, model, state, app)
        payment, payment_key = self.keys((model, self.payment), (paid, self.payment_key))
        return {
            "payment": (quoted(paid._meta.db_table), "regclass"),
            "payment_column": payment,
            "payment_key": payment_key,
            "amount_column": self.name(model, self.amount),
            "currency_column": self.name(model, self.currency),
            "currency": (self.currency_code, "text"),
            "status_column": self.name(model, self.status),
            "gated": texts(self.gated),
            "void": texts(self.void),
            "payment_amount_column": self.name(paid, self.payment_amount),
            "payment_currency_column": self.name(paid, self.payment_currency),
            "unapproved_columns": self.names(model, self.unapproved),
            "rows": self.condition(model, self.rows),
            "decimals": (self.decimals, "int"),
            "amounts": (self.amounts, "text"),
            "units": (self.units, "text"),
            "deletable": (self.deletable or None, "boolean"),
            "status_path": texts(self.status_path),
            "recorded": texts(self.recorded or None),
            "rule": _named(self.rule),
            "beneficiary_column": self.name(model, self.beneficiary),
        }


def _named(rule: Optional[str]) -> Tuple[Optional[str], str]:
    return (None if rule == ProtectRefund.rule else rule, "text")


class ProtectPayout(RuleOperation):
    """Payouts, store credit, adjustments: the gate of refunds without a payment.  `of` says
    to whom they go, or of which account or order they are."""

    function = "protect_refund"
    rule = "refund"
    relation_argument = "refund"

    def __init__(
        self,
        model_name: str,
        *,
        of: Names,
        amount: Name,
        currency: Optional[Name] = None,
        currency_code: Optional[str] = None,
        status: Optional[Name] = None,
        gated: Optional[Sequence[str]] = None,
        void: Optional[Sequence[str]] = None,
        unapproved: Optional[Sequence[Name]] = None,
        rows: Optional[Dict[Any, Any]] = None,
        recorded: Sequence[str] = (),
        decimals: Optional[int] = None,
        rule: Optional[str] = None,
        beneficiary: Optional[Name] = None,
        mode: str = "enforce",
        replaces: Optional[ProtectPayout] = None,
    ) -> None:
        super().__init__(model_name, mode=mode, replaces=replaces)
        self.rule = rule or self.rule
        self.beneficiary = beneficiary
        self.of = of
        self.amount = amount
        self.currency = currency
        self.currency_code = currency_code
        self.status = status
        self.gated = gated
        self.void = void
        self.unapproved = unapproved
        self.rows = rows
        self.decimals = decimals
        self.recorded = recorded

    def arguments(self, model: Type[models.Model], state: ProjectState, app: str) -> Arguments:
        (of,) = self.keys((model, self.of))
        return {
            "payment": (NULL, "regclass"),
            "payment_column": of,
            "amount_column": self.name(model, self.amount),
            "currency_column": self.name(model, self.currency),
            "currency": (self.currency_code, "text"),
            "status_column": self.name(model, self.status),
            "gated": texts(self.gated),
            "void": texts(self.void),
            "unapproved_columns": self.names(model, self.unapproved),
            "rows": self.condition(model, self.rows),
            "decimals": (self.decimals, "int"),
            "recorded": texts(self.recorded or None),
            "rule": _named(self.rule),
            "beneficiary_column": self.name(model, self.beneficiary),
        }


class SetRefundThreshold(RuleOperation):
    """Going back sets the threshold that this one `replaces`; the first one stays,
    since without any every refund needs an approval."""

    function = "set_refund_threshold"
    relation_argument = "refund"

    def __init__(
        self,
        model_name: str,
        currency: str,
        amount: Any,
        *,
        approvers: int = 1,
        within: datetime.timedelta = datetime.timedelta(hours=24),
        valid_for: datetime.timedelta = datetime.timedelta(hours=1),
        of_rule: Optional[str] = None,
        approver_identity: Optional[str] = None,
        requester_identity: Optional[str] = None,
        approver_group: Optional[str] = None,
        band: Optional[str] = None,
        per: str = "payment",
        approved_during: Optional[str] = None,
        escalation_after: Optional[datetime.timedelta] = None,
        escalation_group: Optional[str] = None,
        replaces: Optional[SetRefundThreshold] = None,
    ) -> None:
        """of_rule: the `rule` of a ProtectRefund or ProtectPayout, where the model has several.
        approver_identity: how well approvers must be known, "proven" or "passkey".
        requester_identity: how well who has written a refund, "session" or "proven".
        approver_group: a group of the registry of people; only its members' approvals count.
        band: the name of one more threshold of the currency; its demands come on top.
        per: what the sum is of, the "payment", what goes to one "beneficiary", or what one
        "requester" asks for.
        approved_during: when approvals are given, "Mon-Fri 08:00-20:00 Europe/Berlin".
        escalation_group: who may, besides approver_group, once it has waited escalation_after.
        amount None takes a band away."""
        super().__init__(model_name, replaces=replaces)
        self.approver_identity = approver_identity
        self.requester_identity = requester_identity
        self.approver_group = approver_group
        self.band = band
        self.per = per
        self.approved_during = approved_during
        self.escalation_after = escalation_after
        self.escalation_group = escalation_group
        self.of_rule = of_rule
        self.currency = currency
        self.amount = amount
        self.approvers = approvers
        self.within = within
        self.valid_for = valid_for

    def arguments(self, model: Type[models.Model], state: ProjectState, app: str) -> Arguments:
        return {
            "currency": (self.currency, "text"),
            "amount": (NULL if self.amount is None else self.amount, "numeric"),
            "approvers": (self.approvers, "int"),
            "within": (self.within, "interval"),
            "valid_for": (self.valid_for, "interval"),
            "rule": (self.of_rule, "text"),
            "approver_identity": (self.approver_identity, "text"),
            "requester_identity": (self.requester_identity, "text"),
            "approver_group": (self.approver_group, "text"),
            "band": (self.band, "text"),
            "per": (None if self.per == "payment" else self.per, "text"),
            "approved_during": (self.approved_during, "text"),
            "escalation_after": (self.escalation_after, "interval"),
            "escalation_group": (self.escalation_group, "text"),
        }
