from __future__ import annotations

import os
from importlib.util import find_spec

from django.apps import AppConfig


class PaysafeConfig(AppConfig):
    name = "django_paysafe"
    label = "paysafe"
    verbose_name = "paysafe"

    def ready(self) -> None:
        from . import checks  # noqa: F401  (registers them)
        from .claims import act_as_process
        from .connections import install_everywhere

        install_everywhere()
        # for manage.py: who runs a migration, for instance
        actor = os.environ.get("PAYSAFE_ACT_AS")
        if actor:
            act_as_process(actor)
        if find_spec("celery") is not None:
            from .celery import connect

            connect()
