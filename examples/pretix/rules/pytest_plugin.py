"""For pretix's own tests, whose tables are made without migrations: the rules, and rows in any
state where a test sets up what it is about."""

import functools
import unittest

import pytest


@pytest.fixture(scope="session", autouse=True)
def declared(django_db_setup, django_db_blocker):
    from django_paysafe.testing import declare_rules, declare_test_databases

    with django_db_blocker.unblock():
        assert declare_rules("rules")
        declare_test_databases()


@pytest.hookimpl(hookwrapper=True)
def pytest_fixture_setup(fixturedef, request):
    from django.db import connection

    from django_paysafe.testing import fixtures

    # in the transaction of a test: there is a database, and its rules are declared
    if not connection.in_atomic_block:
        yield
        return
    with fixtures(f"fixture {fixturedef.argname}"):
        yield


def pytest_collection_modifyitems(items):
    """What a class sets up, too."""
    from django_paysafe.testing import fixtures

    for cls in {item.cls for item in items if item.cls is not None}:
        if issubclass(cls, unittest.TestCase):
            own = cls.setUp

            @functools.wraps(own)
            def set_up(self, own=own):
                with fixtures(f"setUp of {type(self).__name__}"):
                    own(self)

            cls.setUp = set_up
