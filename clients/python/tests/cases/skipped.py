"""Run by test_testing in a process of its own, with SKIP_MIGRATIONS: tables come without
migrations, in several databases at once."""

from django.db import connection
from django.test import TransactionTestCase
from shop.models import GiftCard, Payment

from django_paysafe import atomic, errors
from django_paysafe.testing import PaysafeRunner, fixtures


class Runner(PaysafeRunner):
    rule_modules = {"shop": "shop_migrations"}


class Rules(TransactionTestCase):
    def test_they_hold(self) -> None:
        self.assertNotIn("django_migrations", connection.introspection.table_names())
        with self.assertRaises(errors.IllegalInitialStatus), atomic():
            Payment.objects.create(amount=1, status="captured")


class AlsoHere(TransactionTestCase):
    """In another process: a clone of the database is one for tests, too."""

    def test_they_hold(self) -> None:
        with fixtures():
            Payment.objects.create(amount=1, captured=1, status="captured")
        card = GiftCard.objects.create(code="x", balance=5)
        with self.assertRaises(errors.LostUpdate), atomic():
            GiftCard.objects.filter(pk=card.pk).update(balance=7)
