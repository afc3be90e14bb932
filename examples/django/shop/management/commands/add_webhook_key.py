"""Adds the secret that a provider shows, from standard input."""

import sys

from django.core.management.base import BaseCommand
from django_paysafe.webhooks import add_webhook_key


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser):
        parser.add_argument("endpoint")

    def handle(self, *, endpoint, **options):
        number = add_webhook_key(endpoint, sys.stdin.readline().rstrip("\n"))
        self.stdout.write(f"key {number} of {endpoint}")
