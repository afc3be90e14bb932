from django.contrib.auth import views as auth
from django.urls import path

from . import views

app_name = "desk"
urlpatterns = [
    path("", views.queue, name="queue"),
    path("refunds/<int:key>/", views.refund, name="refund"),
    path("refunds/<int:key>/approve/", views.approve, name="approve"),
    path("refunds/<int:key>/reject/", views.reject, name="reject"),
    path("refunds/<int:key>/reconsider/", views.reconsider, name="reconsider"),
    path("refunds/<int:key>/proof/", views.proof, name="proof"),
    path("history/", views.history, name="history"),
    path("glass/", views.glass, name="glass"),
    path("glass/<int:number>/review/", views.review, name="review"),
    path("changes/", views.changes, name="changes"),
    path("changes/approve/", views.approve_change, name="approve_change"),
    path("changes/reject/", views.reject_change, name="reject_change"),
    path("passkeys/", views.my_passkeys, name="passkeys"),
    path("passkeys/propose/", views.propose_passkey, name="propose_passkey"),
    path("passkeys/finish/", views.finish_passkey, name="finish_passkey"),
    path("login/", auth.LoginView.as_view(template_name="desk/login.html"), name="login"),
    path("logout/", auth.LogoutView.as_view(next_page="desk:login"), name="logout"),
]
