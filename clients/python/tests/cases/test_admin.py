"""Refusals in the admin and in JSON, read-only pages, the approve action."""

from django.contrib.auth.models import Permission, User
from django.contrib.contenttypes.models import ContentType
from django.contrib.messages.storage import default_storage
from django.db import connection
from django.test import RequestFactory, TransactionTestCase
from django.urls import resolve
from shop.models import Payment, Refund, Wallet
from urls import site

from django_paysafe import acting, errors
from django_paysafe.admin import key_of
from django_paysafe.middleware import RefusalMiddleware


def captured(amount: int) -> Payment:
    payment = Payment.objects.create(amount=amount)
    Payment.objects.filter(pk=payment.pk).update(status="captured", captured=amount)
    payment.refresh_from_db()
    return payment


class AdminTestCase(TransactionTestCase):
    def person(self, name: str, *permissions: str) -> User:
        user = User.objects.create_user(name, is_staff=True)
        for codename in permissions:
            content_type = ContentType.objects.get(app_label="shop", model=codename.split("_")[1])
            permission, _ = Permission.objects.get_or_create(
                codename=codename, content_type=content_type, defaults={"name": codename}
            )
            user.user_permissions.add(permission)
        return user

    def texts(self, response) -> str:
        return " ".join(str(message) for message in response.context["messages"])


class RefusalTests(AdminTestCase):
    def setUp(self) -> None:
        self.client.force_login(
            self.person("alice", "view_payment", "change_payment", "delete_payment")
        )
        self.payment = captured(100)
        self.url = f"/admin/shop/payment/{self.payment.pk}/change/"

    def test_change_form(self) -> None:
        form = {
            "status": "authorized",
            "currency": "EUR",
            "amount": "100",
            "captured": "100",
            "note": "",
        }
        response = self.client.post(self.url, form, follow=True)
        self.assertEqual(response.redirect_chain, [(self.url, 302)])
        self.assertIn('cannot change from "captured" to "authorized"', self.texts(response))
        self.payment.refresh_from_db()
        self.assertEqual(self.payment.status, "captured")

    def test_delete_selected(self) -> None:
        form = {"action": "delete_selected", "_selected_action": [self.payment.pk], "post": "yes"}
        response = self.client.post("/admin/shop/payment/", form, follow=True)
        self.assertEqual(response.status_code, 200)
        self.assertIn("cannot be deleted", self.texts(response))
        self.assertTrue(Payment.objects.filter(pk=self.payment.pk).exists())

    def test_a_page_that_is_only_looked_at_is_not_asked_for_again(self) -> None:
        refusal = errors.IllegalTransition("refused")
        for method, answered in (("get", False), ("post", True)):
            request = getattr(RequestFactory(), method)("/admin/shop/payment/")
            request.resolver_match = resolve("/admin/shop/payment/")
            request.session = {}
            request._messages = default_storage(request)
            answer = RefusalMiddleware(lambda request: None).process_exception(request, refusal)
            self.assertEqual(answer is not None, answered)

    def test_json(self) -> None:
        response = self.client.post("/uncapture/", headers={"Accept": "application/json;q=0.9"})
        self.assertEqual(response.status_code, 409)
        self.assertEqual(
            response.json(),
            {"detail": "The status does not allow this.", "code": "illegal_transition"},
        )

    def test_json_at_commit(self) -> None:
        Wallet.objects.create(owner="fees", minimum=None)
        response = self.client.post(
            "/unbalanced/", {"amount": "1"}, content_type="application/json"
        )
        self.assertEqual((response.status_code, response.json()["code"]), (422, "unbalanced"))

    def test_other_pages_are_the_applications(self) -> None:
        self.client.raise_request_exception = False
        self.assertEqual(self.client.post("/uncapture/").status_code, 500)

    def test_other_errors_go_on(self) -> None:
        self.client.raise_request_exception = False
        response = self.client.post(
            "/unbalanced/",
            {},
            content_type="application/json",
            headers={"Accept": "application/json"},
        )
        self.assertEqual(response.status_code, 500)


class ReadOnlyTests(AdminTestCase):
    def test_nothing_is_edited(self) -> None:
        user = self.person(
            "alice", *(f"{verb}_wallet" for verb in ("view", "add", "change", "delete"))
        )
        self.client.force_login(user)
        wallet = Wallet.objects.create(owner="bob")
        url = f"/admin/shop/wallet/{wallet.pk}/"
        page = self.client.get(url + "change/")
        self.assertContains(page, "bob")
        self.assertNotContains(page, 'name="_save"')
        for path, form in (
            ("/admin/shop/wallet/add/", {"owner": "x"}),
            (url + "change/", {"owner": "x"}),
            (url + "delete/", {"post": "yes"}),
        ):
            self.assertEqual(self.client.post(path, form).status_code, 403)
        self.assertNotContains(self.client.get("/admin/shop/wallet/"), "delete_selected")


class ApproveTests(AdminTestCase):
    def setUp(self) -> None:
        self.alice = self.person("alice", "view_refund", "approve_refund")
        self.bob = self.person("bob", "view_refund", "approve_refund")
        payment = captured(2000)
        with acting(f"user:{self.alice.pk}"):
            self.refunds = [
                Refund.objects.create(payment=payment, amount=amount) for amount in (900, 800)
            ]
            self.small = Refund.objects.create(payment=captured(10), amount=5)

    def act(self, refunds, **form):
        return self.client.post(
            "/admin/shop/refund/",
            {"action": "approve_selected", "_selected_action": [r.pk for r in refunds], **form},
            follow=True,
        )

    def approvals(self):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT key, approver, reason, ticket FROM paysafe.approval"
                " WHERE relation = 'shop_refund'::regclass AND key = ANY (%s) ORDER BY key",
                [[str(r.pk) for r in self.refunds]],
            )
            return cursor.fetchall()

    def test_approved_by_another(self) -> None:
        self.client.force_login(self.bob)
        page = self.act([*self.refunds, self.small])
        self.assertTemplateUsed(page, "django_paysafe/approve.html")
        self.assertContains(page, "900.00 EUR")
        self.assertContains(page, f"user:{self.alice.pk}")
        self.assertContains(page, "0 / 1", 2)
        self.assertContains(page, "needs no approval now", 1)
        self.assertEqual(self.approvals(), [])

        done = self.act(self.refunds, approve="1", reason=" seen the parcel ", ticket="T-1")
        self.assertIn("2 approvals are on record", self.texts(done))
        actor = f"user:{self.bob.pk}"
        self.assertEqual(
            self.approvals(), [(str(r.pk), actor, "seen the parcel", "T-1") for r in self.refunds]
        )
        Refund.objects.filter(pk=self.refunds[0].pk).update(status="executing")

    def test_not_by_who_requested_it(self) -> None:
        self.client.force_login(self.alice)
        done = self.act(self.refunds, approve="1", reason="because")
        self.assertEqual(self.texts(done).count("cannot approve this"), 2)
        self.assertEqual(self.approvals(), [])

    def test_what_cannot_be_approved_gets_a_message(self) -> None:
        void, good = self.refunds
        with acting(f"user:{self.alice.pk}"):
            Refund.objects.filter(pk=void.pk).update(status="rejected")
        self.client.force_login(self.bob)
        done = self.act(self.refunds, approve="1", reason="because")
        self.assertEqual(done.status_code, 200)
        self.assertIn(f"{void}: ", self.texts(done))
        self.assertIn("1 approval is on record", self.texts(done))
        self.assertEqual([key for key, *_ in self.approvals()], [str(good.pk)])

    def test_a_reason_is_asked_for(self) -> None:
        self.client.force_login(self.bob)
        for reason in ("", "   "):
            page = self.act(self.refunds, approve="1", reason=reason)
            self.assertContains(page, "This field is required")
        self.assertEqual(self.approvals(), [])

    def test_without_the_permission(self) -> None:
        self.client.force_login(self.person("carol", "view_refund"))
        self.assertNotContains(self.client.get("/admin/shop/refund/"), "approve_selected")
        self.act(self.refunds, approve="1", reason="because")
        request = RequestFactory().post("/", {"approve": "1", "reason": "because"})
        request.user = User.objects.get(username="carol")
        with acting("carol"):
            site._registry[Refund].approve_selected(request, Refund.objects.all())
        self.assertEqual(self.approvals(), [])

    def test_refunds_are_read_only(self) -> None:
        user = self.person("dave", "view_refund", "change_refund", "add_refund", "delete_refund")
        self.client.force_login(user)
        self.assertEqual(self.client.get("/admin/shop/refund/add/").status_code, 403)


class KeyTests(AdminTestCase):
    def test_keys_are_written_as_the_database_does(self) -> None:
        class Row:
            pk = 17

        self.assertEqual(key_of(Row), "17")
        Row.pk = "a,b\\c"
        self.assertEqual(key_of(Row), "a,b\\c")
        Row.pk = (1, "a,b\\c")
        self.assertEqual(key_of(Row), "1,a\\,b\\\\c")
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE shop_key (a int, b text, PRIMARY KEY (a, b))")
            try:
                cursor.execute("SELECT paysafe.audit('shop_key')")
                cursor.execute("INSERT INTO shop_key VALUES (1, %s)", [Row.pk[1]])
                cursor.execute("SELECT key FROM paysafe.audit_log WHERE table_name = 'shop_key'")
                self.assertEqual(cursor.fetchall(), [(key_of(Row),)])
            finally:
                cursor.execute("DROP TABLE shop_key")
