"""For pretix's own tests, whose tables are made without migrations: the rules.

Rows that a test writes itself, its fixtures and its `setUp` are what it begins with, in any
state.  What pretix writes is judged.
"""

import functools
import os
import sys
import unittest
from pathlib import Path

import pytest

RESULTS = os.environ.get("RESULTS")  # a file with a line for each test: how it ended, its name
WITHOUT_RULES = bool(os.environ.get("WITHOUT_RULES"))  # what would happen anyway


def passed_before():
    """The tests that an earlier, interrupted run has seen pass."""
    before = Path(os.environ.get("PASSED_BEFORE", os.devnull))
    lines = (line.rstrip("\n").split(" ", 1) for line in before.open())
    return {name for outcome, name in lines if outcome == "passed"}


class Results:
    """Writes how each test ended, as soon as it has."""

    def __init__(self):
        self.worst = {}

    def pytest_runtest_logreport(self, report):
        outcome = report.outcome
        if self.worst.get(report.nodeid, "passed") == "passed":
            self.worst[report.nodeid] = outcome
        # "???" is of a test that its process did not survive
        if report.when in ("teardown", "???"):
            with open(RESULTS, "a") as results:
                results.write(f"{self.worst.pop(report.nodeid)} {report.nodeid}\n")

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node, ids):
        with open(RESULTS + ".collected", "w") as collected:
            collected.writelines(f"{name}\n" for name in ids)


def pytest_configure(config):
    # of the process that hears of all tests
    if RESULTS and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Results())


@pytest.fixture(scope="session", autouse=True)
def declared(django_db_setup, django_db_blocker):
    if WITHOUT_RULES:
        return
    from django_paysafe.testing import declare_rules, declare_test_databases

    with django_db_blocker.unblock():
        assert declare_rules("rules")
        declare_test_databases()
    writes_of_tests_are_fixtures()


# of orders it is frozen whether they are a test
PROTECTED = ("Order", "OrderPayment", "OrderRefund", "GiftCardTransaction")


def is_written_by_the_test():
    """The first that is not Django, of those who have called a model's method."""
    frame = sys._getframe(2)
    while f"{os.sep}django" in frame.f_code.co_filename:
        frame = frame.f_back
    return f"{os.sep}tests{os.sep}" in frame.f_code.co_filename


def writes_of_tests_are_fixtures():
    from django.db.models import QuerySet
    from pretix.base import models

    from django_paysafe.testing import fixtures

    protected = [getattr(models, name) for name in PROTECTED]

    def wrap(owner, name, model_of):
        own = getattr(owner, name)

        @functools.wraps(own)
        def method(self, *args, **kwargs):
            if model_of(self) in protected and is_written_by_the_test():
                with fixtures(f"{name} of {model_of(self).__name__}"):
                    return own(self, *args, **kwargs)
            return own(self, *args, **kwargs)

        setattr(owner, name, method)

    for model in protected:
        wrap(model, "save", type)
    for name in ("update", "bulk_create"):
        wrap(QuerySet, name, lambda queryset: queryset.model)


@pytest.hookimpl(hookwrapper=True)
def pytest_fixture_setup(fixturedef, request):
    from django.db import connection

    from django_paysafe.testing import fixtures

    # in the transaction of a test: there is a database, and its rules are declared
    if WITHOUT_RULES or not connection.in_atomic_block:
        yield
        return
    with fixtures(f"fixture {fixturedef.argname}"):
        yield


def pytest_collection_modifyitems(config, items):
    before = passed_before()
    again = [item for item in items if item.nodeid in before]
    if again:
        config.hook.pytest_deselected(items=again)
        items[:] = [item for item in items if item.nodeid not in before]
    if not WITHOUT_RULES:
        fixtures_in_set_up(items)


def fixtures_in_set_up(items):
    """What a class sets up is there in any state, too."""
    from django_paysafe.testing import fixtures

    for cls in {item.cls for item in items if item.cls is not None}:
        if issubclass(cls, unittest.TestCase):
            own = cls.setUp

            @functools.wraps(own)
            def set_up(self, own=own):
                with fixtures(f"setUp of {type(self).__name__}"):
                    own(self)

            cls.setUp = set_up
