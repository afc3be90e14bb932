"""A person at the admin's pages, in headless Chromium."""

import os
import shutil
import unittest

from django.contrib.auth.models import User
from django.contrib.staticfiles.testing import StaticLiveServerTestCase
from django.urls import reverse

from .test_orm import captured

try:
    from selenium import webdriver
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
        service = webdriver.ChromeService(shutil.which("chromedriver"))
        # the proxy of the environment is not for a page of this machine
        os.environ["NO_PROXY"] = os.environ["no_proxy"] = "localhost,127.0.0.1"
        self.browser = webdriver.Chrome(options=options, service=service)
        self.addCleanup(self.browser.quit)

    def see(self, text: str) -> None:
        # asked in one step: the page may change while elements are looked up
        WebDriverWait(self.browser, 20).until(
            lambda browser: text
            in browser.execute_script("return document.body ? document.body.innerText : ''")
        )

    def test_captured_payment_set_back(self) -> None:
        User.objects.create_superuser("admin", password="secret")
        payment = captured()
        browser = self.browser
        browser.get(
            self.live_server_url + reverse("admin:shop_payment_change", args=[payment.pk])
        )
        browser.find_element(By.NAME, "username").send_keys("admin")
        browser.find_element(By.NAME, "password").send_keys("secret")
        browser.find_element(By.CSS_SELECTOR, "[type=submit]").click()
        self.see("Change payment")
        Select(browser.find_element(By.NAME, "status")).select_by_value("authorized")
        browser.find_element(By.NAME, "_save").click()
        self.see('cannot change from "captured" to "authorized"')
        self.see("Change payment")
        payment.refresh_from_db()
        self.assertEqual(payment.status, "captured")
