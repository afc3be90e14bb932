"""What arrives in Python when the database refuses."""

from contextlib import contextmanager
from typing import Iterator

from django.db import Error, transaction


class Refusal:
    hint: str = ""
    message: str = ""


@contextmanager
def refused(test, error: "type[Error]", sqlstate: str, constraint: str) -> Iterator[Refusal]:
    """The block is refused with this class, SQLSTATE and constraint."""
    refusal = Refusal()
    with test.assertRaises(error) as caught:
        with transaction.atomic():
            yield refusal
    diag = caught.exception.__cause__.diag
    test.assertEqual(diag.sqlstate, sqlstate)
    test.assertEqual(diag.constraint_name, constraint)
    refusal.message = diag.message_primary
    refusal.hint = diag.message_hint or ""
