"""The example's models, under rules that operations of this package declare."""

import os
from importlib.util import find_spec

import django

SECRET_KEY = "for tests only"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "urls"
STATIC_URL = "static/"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEST_RUNNER = "django_paysafe.testing.PaysafeRunner"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django_paysafe",
    "shop",
]

if find_spec("rest_framework") is not None:
    INSTALLED_APPS += ["rest_framework", "rest_framework.authtoken"]

MIGRATION_MODULES = {"shop": "shop_migrations"}
if os.environ.get("SKIP_MIGRATIONS"):
    # as pytest's --nomigrations does
    class NoMigrations:
        def __contains__(self, label):
            return True

        def __getitem__(self, label):
            return None

    MIGRATION_MODULES = NoMigrations()
    TEST_RUNNER = "cases.skipped.Runner"

MIDDLEWARE = [
    "django_paysafe.middleware.ActorMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_paysafe.middleware.RefusalMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": os.environ.get("PGDATABASE", "shop"),
        "HOST": os.environ.get("PGHOST", ""),
        "PORT": os.environ.get("PGPORT", ""),
        "USER": os.environ.get("PGUSER", ""),
        "TEST": {"NAME": os.environ.get("TEST_DATABASE")},
    }
}

# parameters apart from the statement, which psycopg 3 can
if os.environ.get("SERVER_SIDE_BINDING"):
    DATABASES["default"]["OPTIONS"] = {"server_side_binding": True}

# the same database through pgbouncer, where there is one
if os.environ.get("BOUNCER_HOST"):
    DATABASES["pooled"] = {
        **DATABASES["default"],
        "HOST": os.environ["BOUNCER_HOST"],
        "PORT": os.environ["BOUNCER_PORT"],
        "DISABLE_SERVER_SIDE_CURSORS": True,
        "TEST": {"MIRROR": "default"},
    }

# the same through a pool of Django's own
if django.VERSION >= (5, 1) and find_spec("psycopg_pool") is not None:
    DATABASES["own_pool"] = {
        **DATABASES["default"],
        "OPTIONS": {
            **DATABASES["default"].get("OPTIONS", {}),
            "pool": {"min_size": 1, "max_size": 1, "timeout": 600},  # one for all, in turns
        },
        "TEST": {"MIRROR": "default"},
    }

PAYSAFE_PASSKEYS = {
    "rp_id": "pay.example",
    "rp_name": "Payments of Example Ltd",
    "origins": ["https://pay.example"],
}

REST_FRAMEWORK = {"EXCEPTION_HANDLER": "django_paysafe.drf.exception_handler"}
