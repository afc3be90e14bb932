"""with refused(IntegrityError, "23T01", "paysafe_payment_status") as refusal: ..."""

from contextlib import contextmanager
from types import SimpleNamespace
from typing import Iterator

import pytest
from sqlalchemy.exc import DBAPIError

from shop.refusals import refusal_of


@contextmanager
def refused(error: "type[DBAPIError]", sqlstate: str, constraint: str) -> Iterator[SimpleNamespace]:
    found = SimpleNamespace()
    with pytest.raises(error) as raised:
        yield found
    assert type(raised.value) is error
    refusal = refusal_of(raised.value)
    assert refusal is not None, raised.value
    assert (refusal.sqlstate, refusal.constraint) == (sqlstate, constraint)
    found.refusal = refusal
