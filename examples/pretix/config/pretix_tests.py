"""Settings for pretix's own tests: theirs, and the rules."""

import os

from tests.settings import *  # noqa: F403  (pretix's source tree)
from tests.settings import INSTALLED_APPS

if not os.environ.get("WITHOUT_RULES"):
    INSTALLED_APPS = [*INSTALLED_APPS, "django_paysafe", "rules"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": os.environ.get("PGDATABASE", "pretix"),
        "HOST": os.environ.get("PGHOST", ""),
        "PORT": os.environ.get("PGPORT", ""),
        "USER": os.environ.get("PGUSER", ""),
        "TEST": {"NAME": os.environ.get("TEST_DATABASE")},
    }
}
