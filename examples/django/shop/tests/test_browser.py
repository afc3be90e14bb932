"""A person at the admin's pages, in headless Chromium."""

import os
import shutil
import unittest

from django.contrib.auth.models import User
from django.contrib.staticfiles.testing import StaticLiveServerTestCase
from django.db import connection
from django.urls import reverse
from django_paysafe import acting

from ..models import Refund
from .test_orm import captured

try:
    from selenium import webdriver
    from selenium.common.exceptions import WebDriverException
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import Select, WebDriverWait
except ImportError:
    webdriver = None


@unittest.skipUnless(webdriver and shutil.which("chromedriver"), "no Chromium")
class BrowserTest(StaticLiveServerTestCase):
    def setUp(self) -> None:
        options = webdriver.ChromeOptions()
        for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
            options.add_argument(argument)
        program = shutil.which("chromedriver")
        # the proxy of the environment is not for a page of this machine
        os.environ["NO_PROXY"] = os.environ["no_proxy"] = "localhost,127.0.0.1"
        for attempts in (2, 1, 0):
            # a machine with much to do may be slower than chromedriver waits
            try:
                service = webdriver.ChromeService(program)
                self.browser = webdriver.Chrome(options=options, service=service)
                break
            except WebDriverException:
                if not attempts:
                    raise
        self.addCleanup(self.browser.quit)

    def see(self, text: str) -> None:
        # asked in one step: the page may change while elements are looked up
        self.until(
            lambda browser: text
            in browser.execute_script("return document.body ? document.body.innerText : ''")
        )

    def until(self, condition):
        wait = WebDriverWait(self.browser, 90, ignored_exceptions=(WebDriverException,))
        return wait.until(condition)

    def find(self, by: str, name: str):
        """On this page, or on the one that comes."""
        return self.until(lambda browser: browser.find_element(by, name))

    def open(self, user: User, name: str, *args: object) -> None:
        self.browser.delete_all_cookies()
        self.browser.get(self.live_server_url + reverse(f"admin:{name}", args=args))
        self.find(By.NAME, "username").send_keys(user.username)
        self.find(By.NAME, "password").send_keys("secret")
        self.find(By.CSS_SELECTOR, "[type=submit]").click()

    def test_refund_is_approved_by_another(self) -> None:
        ann, bob = (User.objects.create_superuser(n, password="secret") for n in ("ann", "bob"))
        with acting(f"user:{ann.pk}"):
            refund = Refund.objects.create(payment=captured(2000), amount=900)
        for user, answer in ((ann, "requested it, or changed it: somebody else"), (bob, "1 approval is on record")):
            self.open(user, "shop_refund_changelist")
            self.see("Select refund to view")
            self.find(By.NAME, "_selected_action").click()
            Select(self.find(By.NAME, "action")).select_by_value("approve_selected")
            self.find(By.NAME, "index").click()
            self.see("900.00 EUR")
            self.find(By.NAME, "reason").send_keys("photo seen")
            self.find(By.NAME, "approve").click()
            self.see(answer)
        with acting(f"user:{ann.pk}"):
            Refund.objects.filter(pk=refund.pk).update(status="executing")

    def test_refund_is_asked_for_on_its_page(self) -> None:
        """What to do stands on the page, for either of them; nothing of it in SQL."""
        ann, bob = (User.objects.create_superuser(n, password="secret") for n in ("ann", "bob"))
        with acting(f"user:{ann.pk}"):
            refund = Refund.objects.create(payment=captured(2000), amount=900)
        browser = self.browser
        self.open(ann, "shop_refund_change", refund.pk)
        self.see("Waits for approval: 900.00 EUR")
        self.see("somebody else approves it")
        self.assertEqual(browser.find_elements(By.LINK_TEXT, "Approve"), [])
        self.find(By.NAME, "ask").click()
        self.see("asked bob to approve it")
        self.photo("asked")
        self.open(bob, "shop_refund_change", refund.pk)
        self.see("Requested by")
        self.find(By.LINK_TEXT, "Approve").click()
        self.see("900.00 EUR")
        self.photo("approve")
        self.find(By.NAME, "reason").send_keys("photo seen")
        self.find(By.NAME, "approve").click()
        self.see("1 approval is on record")
        browser.get(self.live_server_url + reverse("admin:shop_refund_history", args=[refund.pk]))
        self.see("As recorded by the database")
        self.see("Approved: photo seen")
        self.photo("history")

    def test_breach_is_settled_on_its_page(self) -> None:
        """What the provider has done is on record; somebody else says what became of it."""
        ann, bob = (User.objects.create_superuser(n, password="secret") for n in ("ann", "bob"))
        with acting(f"user:{ann.pk}", reason="webhook of last night"):
            refund = Refund.objects.create(payment=captured(2000), amount=900)
            Refund.objects.filter(pk=refund.pk).update(status="paid")
        browser = self.browser
        self.open(ann, "shop_refund_change", refund.pk)
        self.see("This has happened, and breaks a rule")
        self.see("You caused it: somebody else settles it.")
        self.assertEqual(browser.find_elements(By.LINK_TEXT, "Settle"), [])
        self.open(bob, "shop_refund_changelist")
        self.find(By.PARTIAL_LINK_TEXT, "(2)").click()
        self.see("cannot change from")
        self.see("needs the approval of a second person")
        self.photo("breaches")
        for left in (1, 0):
            self.find(By.LINK_TEXT, "Settle").click()
            self.find(By.NAME, "reason").send_keys("the provider did it by itself")
            self.find(By.CSS_SELECTOR, "input[value=Settle]").click()
            self.see("The breach is settled.")
            self.assertEqual(len(browser.find_elements(By.LINK_TEXT, "Settle")), left)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT DISTINCT settled_by FROM paysafe.breach WHERE key = %s", [str(refund.pk)]
            )
            self.assertEqual(cursor.fetchall(), [(f"user:{bob.pk}",)])

    def photo(self, name: str) -> None:
        """For the documentation, where a folder for it is named."""
        folder = os.environ.get("SCREENSHOTS")
        if folder:
            self.browser.set_window_size(1100, 760)
            self.browser.save_screenshot(os.path.join(folder, f"{name}.png"))

    def test_captured_payment_set_back(self) -> None:
        payment = captured()
        admin = User.objects.create_superuser("admin", password="secret")
        self.open(admin, "shop_payment_change", payment.pk)
        self.see("Change payment")
        Select(self.find(By.NAME, "status")).select_by_value("authorized")
        self.find(By.NAME, "_save").click()
        self.see('cannot change from "captured" to "authorized"')
        self.see("Change payment")
        payment.refresh_from_db()
        self.assertEqual(payment.status, "captured")
