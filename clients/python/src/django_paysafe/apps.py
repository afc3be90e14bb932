from __future__ import annotations

from importlib.util import find_spec

from django.apps import AppConfig


class PaysafeConfig(AppConfig):
    name = "django_paysafe"
    label = "paysafe"
    verbose_name = "paysafe"

    def ready(self) -> None:
        from . import checks  # noqa: F401  (registers them)
        from .connections import install_everywhere

        install_everywhere()
        if find_spec("celery") is not None:
            from .celery import connect

            connect()
