"""Tests that need a server with a key file."""

from __future__ import annotations

from typing import Any, Dict, Tuple

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponseBase
from django.test import RequestFactory

from .audit import AuditedTestCase


def sql(statement: str, *args: object) -> Any:
    """The first value that a statement returns."""
    with connection.cursor() as cursor:
        cursor.execute(statement, args)
        return cursor.fetchone()[0]


class KeyedTestCase(AuditedTestCase):
    def setUp(self) -> None:
        super().setUp()
        if not sql("SELECT coalesce(current_setting('paysafe.key_file', true), '')"):
            self.skipTest("the server has no key file")


def committed(statement: str, *args: object) -> Any:
    with transaction.atomic():
        return sql(statement, *args)


def post(path: str, body: bytes, headers: Dict[str, str], **extra: Any) -> HttpRequest:
    meta = {"HTTP_" + name.upper().replace("-", "_"): value for name, value in headers.items()}
    content_type = extra.pop("content_type", "application/json")
    return RequestFactory().generic("POST", path, body, content_type, **meta, **extra)


def told(response: HttpResponseBase) -> Tuple[int, bytes]:
    return response.status_code, getattr(response, "content", b"")
