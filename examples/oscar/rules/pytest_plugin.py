"""For oscar's own tests, which run under pytest: the database is one for tests."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def declared(django_db_setup, django_db_blocker):
    from django_paysafe.testing import declare_test_databases

    with django_db_blocker.unblock():
        declare_test_databases()
