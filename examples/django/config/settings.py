"""An ordinary project.  PGHOST, PGPORT and PGUSER say where PostgreSQL is."""

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = "for the example only"
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "config.urls"
STATIC_URL = "static/"
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django_paysafe",
    "shop",
    "desk",
]

MIDDLEWARE = [
    "django_paysafe.outcomes.OutcomeMiddleware",
    "django_paysafe.middleware.ActorMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
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
    }
}

# The approval desk's passkeys are of this site; exactly these pages may ask for them.
LOGIN_URL = "desk:login"
LOGIN_REDIRECT_URL = "desk:queue"
PAYSAFE_PASSKEYS = {
    "rp_id": "localhost",
    "rp_name": "Payments of the example",
    "origins": os.environ.get("DESK_ORIGINS", "http://localhost:8000").split(","),
}

# Who acts is shown by tokens, where there are keys to sign them.
if os.environ.get("TOKEN_KEYS"):
    PAYSAFE_TOKENS = {
        "issuer": "https://login.shop.example",
        "audience": "shop",
        "keys": os.environ["TOKEN_KEYS"].split(","),
    }

# How these come out is noted, for alarms; a limit that is reached, and no provider, are bad, too.
PAYSAFE_OUTCOMES = {"bad": [402, 429], "views": ["refunds", "pay"]}

TEST_RUNNER = "django_paysafe.testing.PaysafeRunner"
