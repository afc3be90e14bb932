"""Django for databases that paysafe guards."""

from .claims import Claim, acting, current_claim
from .connections import claim
from .errors import Refusal, atomic, refusal_of, refusals
from .tenants import for_tenant

__all__ = [
    "Claim",
    "Refusal",
    "acting",
    "atomic",
    "claim",
    "current_claim",
    "for_tenant",
    "refusal_of",
    "refusals",
]
