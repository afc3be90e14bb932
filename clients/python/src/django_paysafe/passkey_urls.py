"""`path("passkeys/", include("django_paysafe.passkey_urls"))`"""

from django.urls import path

from . import passkey_views

app_name = "paysafe_passkeys"
urlpatterns = [
    path("challenge/", passkey_views.challenge, name="challenge"),
    path("review/", passkey_views.review, name="review"),
    path("registration/", passkey_views.registration, name="registration"),
]
