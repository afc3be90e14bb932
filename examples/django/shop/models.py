from django.db import models


class Payment(models.Model):
    class Status(models.TextChoices):
        AUTHORIZED = "authorized"
        CAPTURED = "captured"
        CANCELLED = "cancelled"

    status = models.CharField(max_length=20, choices=Status.choices, default=Status.AUTHORIZED)
    currency = models.CharField(max_length=3, default="EUR")
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    captured = models.DecimalField(max_digits=12, decimal_places=2, default=0)
    note = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return f"payment {self.pk}"


class Refund(models.Model):
    class Status(models.TextChoices):
        REQUESTED = "requested"
        REJECTED = "rejected"
        EXECUTING = "executing"
        PAID = "paid"
        FAILED = "failed"

    payment = models.ForeignKey(Payment, on_delete=models.CASCADE)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.REQUESTED)
    currency = models.CharField(max_length=3, default="EUR")
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    provider_reference = models.CharField(max_length=100, null=True, blank=True, unique=True)

    class Meta:
        permissions = [
            ("approve_refund", "Can approve refunds"),
            ("settle_refund", "Can settle breaches of refunds"),
        ]

    def __str__(self) -> str:
        return f"refund {self.pk}"


class Wallet(models.Model):
    owner = models.CharField(max_length=100)
    balance = models.DecimalField(max_digits=12, decimal_places=2, default=0)
    minimum = models.DecimalField(max_digits=12, decimal_places=2, null=True, default=0)

    def __str__(self) -> str:
        return self.owner


class LedgerEntry(models.Model):
    transaction = models.UUIDField(db_index=True)
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT)
    currency = models.CharField(max_length=3, default="EUR")
    amount = models.DecimalField(max_digits=12, decimal_places=2)

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


class GiftCard(models.Model):
    code = models.CharField(max_length=20, unique=True)
    balance = models.DecimalField(max_digits=12, decimal_places=2)

    def __str__(self) -> str:
        return self.code
