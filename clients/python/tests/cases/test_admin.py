"""Refusals in the admin and in JSON, read-only pages, the approve action."""

from django.contrib.auth.models import Permission, User
from django.contrib.contenttypes.models import ContentType
from django.contrib.messages import get_messages
from django.contrib.messages.storage import default_storage
from django.core import mail
from django.db import connection
from django.test import RequestFactory, TransactionTestCase, override_settings
from django.urls import resolve
from shop.models import Payment, Refund, Wallet
from urls import site

from django_paysafe import acting, errors
from django_paysafe.admin import key_of
from django_paysafe.middleware import RefusalMiddleware

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


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

    def test_clients_that_are_no_browsers(self) -> None:
        """Whatever they say that they accept, if anything."""
        self.client.logout()
        for headers in (
            {"Accept": "application/json;q=0.9"},
            {"Accept": "application/vnd.api+json"},
            {"Accept": "application/json, text/html"},
            {"Accept": "*/*"},
            {"Accept": "image/png"},
            {},
            {"Accept": "text/html", "Authorization": "Bearer x"},
            {"Accept": "text/html", "Sec-Fetch-Dest": "empty"},
        ):
            with self.subTest(headers):
                response = self.client.post("/uncapture/", headers=headers)
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
        for login in (None, User.objects.create_user("customer")):
            self.client.logout()
            if login:
                self.client.force_login(login)
            for headers in (BROWSER, {**BROWSER, "Authorization": "Basic eDp5"}):
                response = self.client.post("/uncapture/", headers=headers)
                self.assertEqual(response.status_code, 500)

    def test_pages_of_staff_are_found(self) -> None:
        """Of whatever app: alice works here."""
        response = self.client.post("/desk/uncapture/", headers=BROWSER)
        self.assertEqual((response.status_code, response.url), (302, "/desk/uncapture/"))
        for referer, back in (
            ("http://testserver/read/?a=b", "http://testserver/read/?a=b"),
            ("https://elsewhere.example/", "/desk/uncapture/"),
        ):
            response = self.client.post("/desk/uncapture/", headers={**BROWSER, "Referer": referer})
            self.assertEqual((response.status_code, response.url), (302, back))
        [message, *_] = [str(m) for m in get_messages(response.wsgi_request)]
        self.assertIn('cannot change from "captured" to "authorized"', message)

    def test_pages_of_staff_that_are_named(self) -> None:
        with override_settings(PAYSAFE_STAFF_APPS=["desk"]):
            self.client.raise_request_exception = False
            self.assertEqual(self.client.post("/desk/uncapture/").status_code, 302)
            self.assertEqual(self.client.post("/uncapture/", headers=BROWSER).status_code, 500)

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
        User.objects.filter(pk=self.alice.pk).update(first_name="Ann", last_name="Lee")
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
        self.assertContains(page, "<td>Ann Lee (alice), ")
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
        self.assertEqual(self.texts(done).count("you, or your token, requested it"), 2)
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

    def test_one_of_several_cannot_be_approved(self) -> None:
        """A message for each that cannot, and the others pass, in whatever order."""
        with acting(f"user:{self.bob.pk}"):
            bobs = Refund.objects.create(payment=captured(900), amount=900)
        void = Refund.objects.create(payment=captured(900), amount=900)
        Refund.objects.filter(pk=void.pk).update(status="rejected")
        selected = [bobs, self.refunds[0], void, self.refunds[1]]
        self.client.force_login(self.bob)
        done = self.act(selected, approve="1", reason="because")
        texts = [str(message) for message in done.context["messages"]]
        self.assertEqual(len(texts), 3)
        self.assertIn(f"{bobs}: you, or your token, requested it", " ".join(texts))
        self.assertIn(f'{void}: Refund "{void.pk}" cannot be approved', " ".join(texts))
        self.assertIn("2 approvals are on record", texts[-1])
        self.assertNotRegex(" ".join(texts), "SELECT|paysafe|user:")
        self.assertEqual([key for key, *_ in self.approvals()], [str(r.pk) for r in self.refunds])

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


class PageTests(AdminTestCase):
    """What a refund waits for, on its page, with buttons."""

    def setUp(self) -> None:
        self.alice = self.person("alice", "view_refund", "approve_refund")
        self.bob = self.person("bob", "view_refund", "approve_refund")
        self.carol = self.person("carol", "view_refund")
        User.objects.filter(pk=self.bob.pk).update(email="bob@example.com")
        User.objects.create_user("dave").user_permissions.set(self.bob.user_permissions.all())
        with acting(f"user:{self.alice.pk}"):
            self.refund = Refund.objects.create(payment=captured(2000), amount=900)
        self.url = f"/admin/shop/refund/{self.refund.pk}/"

    def page(self, user: User):
        self.client.force_login(user)
        return self.client.get(self.url + "change/")

    def test_what_it_waits_for(self) -> None:
        page = self.page(self.bob)
        self.assertContains(page, "Waits for approval: 900.00 EUR")
        self.assertContains(page, "<td>alice, ")
        self.assertContains(page, "above 500 EUR a second person approves")
        self.assertContains(page, "0 / 1")
        self.assertContains(page, f'href="{self.url}approve/"')
        self.assertNotRegex(page.content.decode(), "SELECT|paysafe[.]|user:")

    def test_buttons_are_for_whom_they_are(self) -> None:
        for user, approve, own in ((self.alice, 0, 1), (self.bob, 1, 0), (self.carol, 0, 0)):
            with self.subTest(user):
                page = self.page(user)
                self.assertContains(page, f'href="{self.url}approve/"', approve)
                self.assertContains(page, 'value="Ask for approval"', 1)
                self.assertContains(page, "somebody else approves it", own)

    def test_approve(self) -> None:
        self.client.force_login(self.bob)
        self.assertContains(self.client.get(self.url + "approve/"), "900.00 EUR")
        page = self.client.post(self.url + "approve/", {"reason": " "})
        self.assertContains(page, "This field is required")
        done = self.client.post(self.url + "approve/", {"reason": "seen"}, follow=True)
        self.assertIn("1 approval is on record", self.texts(done))
        self.assertNotContains(done, "Waits for approval")
        self.assertContains(self.client.get(self.url + "history/"), "Approved: seen")
        Refund.objects.filter(pk=self.refund.pk).update(status="executing")

    def test_approve_is_for_whom_may(self) -> None:
        self.client.force_login(self.carol)
        for method in (self.client.get, self.client.post):
            self.assertEqual(method(self.url + "approve/", {"reason": "x"}).status_code, 403)
        self.client.force_login(self.alice)
        done = self.client.post(self.url + "approve/", {"reason": "x"}, follow=True)
        self.assertIn("somebody else approves it", self.texts(done))
        self.client.force_login(self.person("erin"))
        for verb in ("approve", "ask"):
            self.assertEqual(self.client.post(self.url + verb + "/").status_code, 403)
        self.client.force_login(self.bob)
        self.assertEqual(self.client.post("/admin/shop/refund/0/approve/").status_code, 404)

    def test_ask(self) -> None:
        """Those who may approve and work here: not who asks, nor who requested it."""
        for user, asked in ((self.alice, "bob"), (self.carol, "bob")):
            with self.subTest(user):
                mail.outbox.clear()
                self.client.force_login(user)
                self.client.get(self.url + "ask/")
                self.assertEqual(mail.outbox, [])
                done = self.client.post(self.url + "ask/", follow=True)
                self.assertIn(f"900.00 EUR: asked {asked} to approve it", self.texts(done))
                [message] = mail.outbox
                self.assertEqual(message.recipients(), ["bob@example.com"])
                self.assertIn("900.00 EUR", message.subject)
                self.assertIn(f"{user} asks for your approval", message.body)
                self.assertIn(f"http://testserver{self.url}change/", message.body)
        self.assertContains(self.client.get(self.url + "history/"), "asked bob to approve it", 2)

    def test_nobody_to_ask(self) -> None:
        User.objects.filter(pk=self.bob.pk).delete()
        self.client.force_login(self.carol)
        done = self.client.post(self.url + "ask/", follow=True)
        self.assertIn("nobody else has the permission", self.texts(done))
        Refund.objects.filter(pk=self.refund.pk).update(status="rejected")
        done = self.client.post(self.url + "ask/", follow=True)
        self.assertIn("needs no approval now", self.texts(done))
        self.assertNotContains(done, "Waits for approval")

    def test_a_refusal_leads_there(self) -> None:
        """From wherever in the admin it came."""
        request = RequestFactory().post("/admin/shop/payment/")
        request.resolver_match = resolve("/admin/shop/payment/")
        request.session, request.user = {}, self.carol
        request._messages = default_storage(request)
        with self.assertRaises(errors.ApprovalNeeded) as caught, errors.atomic():
            Refund.objects.filter(pk=self.refund.pk).update(status="executing")
        answer = RefusalMiddleware(lambda request: None).process_exception(
            request, caught.exception
        )
        self.assertEqual(answer.status_code, 302)
        [text] = [str(message) for message in request._messages]
        self.assertIn("of 900.00 EUR needs the approval of a second person", text)
        self.assertIn("requested by &quot;alice&quot;", text)
        self.assertIn(f'href="{self.url}change/"', text)
        self.assertNotRegex(text, "SELECT|paysafe|user:")


class BeforeRowTests(AdminTestCase):
    """Refunds that are rows only when the provider is called."""

    def setUp(self) -> None:
        self.alice = self.person("alice", "view_payment", "add_refund")
        self.bob = self.person("bob", "view_payment", "approve_refund")
        self.payment = captured(2000)
        self.url = f"/admin/shop/payment/{self.payment.pk}/"

    def test_asked_for_and_approved(self) -> None:
        self.client.force_login(self.alice)
        page = self.client.get(self.url + "change/")
        self.assertContains(page, f'href="{self.url}refund/ask_refund/"')
        self.assertContains(self.client.get(self.url + "refund/ask_refund/"), 'value="EUR"')
        form = {"amount": "900.00", "currency": "EUR", "reason": "broken", "ticket": "T-1"}
        done = self.client.post(self.url + "refund/ask_refund/", form, follow=True)
        self.assertIn("asked bob to approve it", self.texts(done))
        self.assertContains(done, "<td>900.00 EUR</td>")
        self.assertNotContains(done, "approve_refund/?")
        self.assertEqual(
            self.client.post(self.url + "refund/approve_refund/", form).status_code, 403
        )

        self.client.force_login(self.bob)
        page = self.client.get(self.url + "change/")
        approve = f"{self.url}refund/approve_refund/?amount=900.00&amp;currency=EUR"
        self.assertContains(page, approve)
        self.assertContains(page, "<td>alice, ")
        self.assertContains(self.client.get(approve.replace("&amp;", "&")), 'value="900.00"')
        done = self.client.post(
            self.url + "refund/approve_refund/", {**form, "reason": "seen"}, follow=True
        )
        self.assertIn("the approval is on record", self.texts(done))
        self.assertContains(done, "<td>none</td>")
        with acting(f"user:{self.alice.pk}"):
            refund = Refund.objects.create(payment=self.payment, amount=900)
            Refund.objects.filter(pk=refund.pk).update(status="executing")

    def test_what_cannot_be(self) -> None:
        self.client.force_login(self.bob)
        form = {"amount": "2000.01", "currency": "EUR", "reason": "because"}
        page = self.client.post(self.url + "refund/approve_refund/", form)
        self.assertEqual(page.status_code, 200)
        self.assertIn("There can be no such refund", self.texts(page))
        self.assertEqual(self.client.get(self.url + "refund/ask_refund/").status_code, 403)
        self.client.force_login(self.person("erin", "add_refund", "approve_refund"))
        for verb in ("ask", "approve"):
            url = f"{self.url}refund/{verb}_refund/"
            self.assertEqual(self.client.post(url, form).status_code, 403)
            url = url.replace(f"/{self.payment.pk}/", "/0/")
            self.assertEqual(self.client.post(url, form).status_code, 404)


class HistoryTests(AdminTestCase):
    def setUp(self) -> None:
        self.bob = self.person("bob", "view_payment")
        self.client.force_login(self.bob)

    def test_beside_djangos(self) -> None:
        with acting("webhook:stripe"):
            payment = Payment.objects.create(amount=100, note="<b>")
        with acting(f"user:{self.bob.pk}", reason="month end", ticket="T-9", request_id="r-7"):
            Payment.objects.filter(pk=payment.pk).update(status="captured", captured=100)
        page = self.client.get(f"/admin/shop/payment/{payment.pk}/history/")
        self.assertContains(page, "As recorded by the database")
        self.assertContains(page, "<td>bob</td>", 1)
        self.assertContains(page, "<td>webhook:stripe</td>")
        self.assertContains(page, "status: authorized &rarr; captured")
        self.assertContains(page, "amount: 100.00")
        self.assertContains(page, "month end (T-9) <small>r-7</small>")
        self.assertNotContains(page, "<b>")

    def test_without_a_record(self) -> None:
        payment = captured(100)
        for role, text in (("regress_client", "This site may not read it."),):
            with connection.cursor() as cursor:
                cursor.execute(
                    f"CREATE ROLE {role}; GRANT ALL ON ALL TABLES IN SCHEMA public TO {role};"
                    f"GRANT USAGE ON SCHEMA paysafe TO {role}; SET ROLE {role}"
                )
                try:
                    page = self.client.get(f"/admin/shop/payment/{payment.pk}/history/")
                    self.assertContains(page, text)
                finally:
                    cursor.execute(f"RESET ROLE; DROP OWNED BY {role}; DROP ROLE {role}")

    def test_of_what_is_not_there(self) -> None:
        self.assertEqual(self.client.get("/admin/shop/payment/0/history/").status_code, 302)
        payment = captured(100)
        self.client.force_login(self.person("erin"))
        page = self.client.get(f"/admin/shop/payment/{payment.pk}/history/")
        self.assertEqual(page.status_code, 403)
