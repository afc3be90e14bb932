"""An order that was placed, and what arrives when a rule is broken."""

import threading

from django.contrib.auth.models import User
from django.db import Error, connection, transaction
from django_webtest import TransactionWebTest
from oscar.core.loading import get_model
from oscar.test.factories import create_order

SourceType = get_model("payment", "SourceType")


class ShopTestCase(TransactionWebTest):
    """Commits, as a shop does: an order with one line, paid from one source."""

    def setUp(self):
        self.order = create_order()
        self.line = self.order.lines.get()
        self.source = self.order.sources.create(
            source_type=SourceType.objects.create(name="card"), amount_allocated=100
        )
        self.staff = User.objects.create_superuser("staff", "staff@example.com", "x")

    def assertRefused(self, cls, sqlstate, constraint, change):
        """The class that arrives, the SQLSTATE and the constraint's name."""
        with self.assertRaises(Error) as caught, transaction.atomic():
            change()
        diag = caught.exception.__cause__.diag
        self.assertEqual(
            (type(caught.exception), diag.sqlstate, diag.constraint_name),
            (cls, sqlstate, constraint),
        )

    def shown(self, response):
        """The messages of the page that it redirects to."""
        self.assertEqual(response.status_code, 302)
        return " ".join(map(str, response.follow().context["messages"]))

    def recorded(self, model, key):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT op, actor, actor_claimed FROM paysafe.history(%s::regclass, %s)",
                [model._meta.db_table, str(key)],
            )
            return cursor.fetchall()


def elsewhere(work):
    """Do this on a connection of its own, committed before it returns."""

    def run():
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
