"""Settings for oscar's own tests: theirs, and the rules."""

import os

from rules.machines import OSCAR_TESTS
from tests.settings import *  # noqa: F403  (oscar's source tree)
from tests.settings import DATABASES, INSTALLED_APPS

STATUS_MACHINES = OSCAR_TESTS
if not os.environ.get("WITHOUT_RULES"):
    INSTALLED_APPS = [*INSTALLED_APPS, "django_paysafe", "rules"]
DATABASES["default"] = {
    "ENGINE": "django.db.backends.postgresql",
    "NAME": os.environ.get("PGDATABASE", "oscar"),
    "HOST": os.environ.get("PGHOST", ""),
    "PORT": os.environ.get("PGPORT", ""),
    "USER": os.environ.get("PGUSER", ""),
}
