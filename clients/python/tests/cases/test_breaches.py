"""What has happened although a rule refuses it, in the admin: seen, and settled."""

from contextlib import contextmanager

from django.contrib.auth.models import User
from django.db import connection
from django.urls import reverse
from shop.models import Payment, Refund

from django_paysafe import acting
from django_paysafe.breaches import Breach, open_breaches

from .test_admin import AdminTestCase, captured

LIST = "/admin/shop/refund/breaches/"
SECRET = "SELECT|paysafe[.]|user:"  # nothing of it is for a page


class BreachTests(AdminTestCase):
    def setUp(self) -> None:
        self.alice = self.person("alice", "view_refund", "settle_refund")
        self.bob = self.person("bob", "view_refund", "settle_refund")
        self.carol = self.person("carol", "view_refund")
        self.refund = self.paid(self.alice, "told by the provider")

    def paid(self, user: User, reason: str, ticket: str = "T-7") -> Refund:
        """One that the provider has paid out, whatever it was here."""
        with acting(f"user:{user.pk}", reason=reason, ticket=ticket):
            refund = Refund.objects.create(payment=captured(2000), amount=100)
            Refund.objects.filter(pk=refund.pk).update(status="paid")
        return refund

    def get(self, user: User, url: str):
        self.client.force_login(user)
        return self.client.get(url)

    def breach(self, refund: Refund) -> Breach:
        [found] = open_breaches(Refund, "default", str(refund.pk))
        return found

    def settle(self, user: User, breach: Breach, reason: str = "paid back", **given: str):
        self.client.force_login(user)
        form = {"reason": reason, **given}
        return self.client.post(f"{LIST}{breach.id}/", form, follow=True)

    def settled(self):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT key, settled_by, reason, ticket FROM paysafe.breach"
                " WHERE settled_at IS NOT NULL ORDER BY id"
            )
            return cursor.fetchall()

    def test_the_list_says_what_has_happened(self) -> None:
        page = self.get(self.bob, LIST)
        self.assertContains(page, "cannot change from &quot;requested&quot; to &quot;paid&quot;")
        self.assertContains(page, f'<a href="/admin/shop/refund/{self.refund.pk}/change/">')
        self.assertContains(page, "<td>alice</td>")
        self.assertContains(page, "told by the provider (T-7)")
        self.assertNotRegex(page.content.decode(), SECRET)

    def test_buttons_are_for_whom_they_are(self) -> None:
        breach = self.breach(self.refund)
        change = f"/admin/shop/refund/{self.refund.pk}/change/"
        for user, settle, own in ((self.alice, 0, 1), (self.bob, 1, 0), (self.carol, 0, 0)):
            for url in (LIST, change):
                with self.subTest(user=user, url=url):
                    page = self.get(user, url)
                    self.assertContains(page, "breaks a rule", 1)
                    self.assertContains(page, f'href="{LIST}{breach.id}/"', settle)
                    self.assertContains(page, "somebody else settles it.", own)

    def test_the_list_of_refunds_leads_there(self) -> None:
        page = self.get(self.carol, "/admin/shop/refund/")
        self.assertContains(page, f'<a href="{LIST}">Breaches (1)</a>')

    def test_pages_without_one_say_nothing(self) -> None:
        refund = Refund.objects.create(payment=captured(10), amount=1)
        page = self.get(self.bob, f"/admin/shop/refund/{refund.pk}/change/")
        self.assertNotContains(page, "breaks a rule")

    def test_settle(self) -> None:
        breach = self.breach(self.refund)
        self.assertContains(self.get(self.bob, f"{LIST}{breach.id}/"), "Reason")
        done = self.settle(self.bob, breach, "claimed back", ticket="T-8")
        self.assertEqual(done.redirect_chain, [(LIST, 302)])
        self.assertIn("The breach is settled.", self.texts(done))
        self.assertEqual(
            self.settled(), [(str(self.refund.pk), f"user:{self.bob.pk}", "claimed back", "T-8")]
        )
        self.assertEqual(open_breaches(Refund, "default"), [])
        history = self.get(self.bob, f"/admin/shop/refund/{self.refund.pk}/history/")
        self.assertContains(history, "Breach settled: claimed back")
        again = self.settle(self.bob, breach)
        self.assertIn("This breach is settled.", self.texts(again))
        self.assertEqual(len(self.settled()), 1)

    def test_a_reason_is_asked_for(self) -> None:
        for reason in ("", "  "):
            page = self.settle(self.bob, self.breach(self.refund), reason)
            self.assertContains(page, "This field is required")
        self.assertEqual(self.settled(), [])

    def test_who_caused_it_is_refused(self) -> None:
        """By the database, whatever the page shows."""
        done = self.settle(self.alice, self.breach(self.refund))
        self.assertIn("caused", self.texts(done))
        self.assertNotRegex(self.texts(done), SECRET)
        self.assertEqual(self.settled(), [])

    def test_without_the_permissions(self) -> None:
        breach = self.breach(self.refund)
        dave = self.person("dave", "settle_refund")
        for user, url in (
            (self.carol, f"{LIST}{breach.id}/"),
            (dave, LIST),
            (dave, f"{LIST}{breach.id}/"),
        ):
            with self.subTest(user=user, url=url):
                self.assertEqual(self.get(user, url).status_code, 403)
        self.assertEqual(self.settle(self.carol, breach).status_code, 403)
        self.assertEqual(self.settled(), [])

    def test_one_of_another_model(self) -> None:
        """Whoever may settle breaches of refunds may not settle those of payments by it."""
        payment = captured(10)
        with self.recorded_payments(), acting(f"user:{self.alice.pk}"):
            Payment.objects.filter(pk=payment.pk).update(status="cancelled")
            [breach] = open_breaches(Payment, "default")
            done = self.settle(self.bob, breach)
            self.assertIn("This breach is settled.", self.texts(done))
            self.assertEqual(open_breaches(Payment, "default"), [breach])

    @contextmanager
    def recorded_payments(self):
        """Payments whose cancellation is a fact, for the time of a test."""
        declare = (
            "SELECT paysafe.protect_status('shop_payment', 'status', %s,"
            " deletable => '{authorized,cancelled}', recorded => %s)"
        )
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT spec ->> 'machine' FROM paysafe.rule WHERE rule = 'status'"
                " AND relation = 'shop_payment'::regclass ORDER BY version DESC LIMIT 1"
            )
            machine = cursor.fetchone()[0]  # it is as it was, afterwards
            cursor.execute(declare, [machine, "{cancelled}"])
            try:
                yield
            finally:
                cursor.execute(declare, [machine, "{}"])

    def test_nobody_was_named(self) -> None:
        """Then two others settle it, one after the other."""
        refund = Refund.objects.create(payment=captured(2000), amount=100)
        Refund.objects.filter(pk=refund.pk).update(status="paid")
        breach = self.breach(refund)
        self.assertEqual(breach.settlers_missing, 2)
        self.assertContains(self.get(self.bob, LIST), "2 people have to settle it.")
        done = self.settle(self.bob, breach)
        self.assertIn("yet another person has to settle it", self.texts(done))
        self.assertEqual(self.breach(refund).settlers_missing, 1)
        done = self.settle(self.bob, breach)
        self.assertNotIn("The breach is settled.", self.texts(done))
        done = self.settle(self.alice, breach)
        self.assertIn("The breach is settled.", self.texts(done))

    def test_a_role_that_may_not_read_them(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE ROLE paysafe_no_breaches; GRANT ALL ON ALL TABLES IN SCHEMA public"
                " TO paysafe_no_breaches; GRANT USAGE ON ALL SEQUENCES IN SCHEMA public"
                " TO paysafe_no_breaches; SET ROLE paysafe_no_breaches"
            )
            try:
                self.assertContains(self.get(self.bob, LIST), "This site may not read it.")
                for url in ("/admin/shop/refund/", f"/admin/shop/refund/{self.refund.pk}/change/"):
                    self.assertEqual(self.get(self.bob, url).status_code, 200)
            finally:
                cursor.execute(
                    "RESET ROLE; DROP OWNED BY paysafe_no_breaches; DROP ROLE paysafe_no_breaches"
                )

    def test_what_is_only_observed(self) -> None:
        self.assertNotContains(self.get(self.bob, LIST), "only observe")
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT paysafe.protect_columns('shop_refund', '{provider_reference}',"
                " mode => 'observe')"
            )
            try:
                for reference in ("re_1", "re_2"):
                    Refund.objects.filter(pk=self.refund.pk).update(provider_reference=reference)
                page = self.get(self.bob, LIST)
                self.assertContains(page, "only observe")
                self.assertContains(page, "<td>columns</td>")
            finally:
                cursor.execute("SELECT paysafe.unprotect('shop_refund', 'columns', 'tried')")

    def test_names_of_pages(self) -> None:
        self.assertEqual(reverse("admin:shop_refund_breaches"), LIST)
