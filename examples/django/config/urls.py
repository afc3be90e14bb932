from django.contrib import admin
from django.urls import include, path
from shop import views
from shop.watch import watch

urlpatterns = [
    path("admin/watch/", watch, name="watch"),
    path("admin/", admin.site.urls),
    path("desk/", include("desk.urls")),
    path("passkeys/", include("django_paysafe.passkey_urls")),
    path("payments/", views.create_payment),
    path("refunds/", views.request_refund, name="refunds"),
    path("refunds/<int:pk>/pay/", views.pay_refund, name="pay"),
    path("hooks/stripe/", views.stripe),
    path("hooks/github/", views.github),
]
