"""Works on the webhooks that have been accepted, for ever or until there are none."""

import time

from django.core.management.base import BaseCommand
from django_paysafe.webhooks import work_inbox

from ...views import on_github


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser):
        parser.add_argument("--once", action="store_true", help="until nothing is due")

    def handle(self, *, once, **options):
        while True:
            if work_inbox("github", on_github) == 0:
                if once:
                    return
                time.sleep(1)
