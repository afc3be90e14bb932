"""Django for databases that paysafe guards."""

from .claims import Claim, acting, current_claim
from .connections import claim
from .errors import Refusal, atomic, refusal_of, refusals

__all__ = [
    "Claim",
    "Refusal",
    "acting",
    "atomic",
    "claim",
    "current_claim",
    "refusal_of",
    "refusals",
]
