"""Who acts, carried into Celery's tasks.

A task acts for whoever sent it: actor, reason, ticket and ids travel in a header of the
message, and what the task writes is recorded under them, as if the request that sent it
had written it.  So do retries, and tasks that a task sends.  Connected by the app's
configuration where Celery is installed; nothing to set up.

The header is signed with the project's SECRET_KEY, for this task only: who can write to
the broker cannot act as somebody.  A task without it, or with a wrong one, acts for
nobody, unless it says itself who acts: beat's, for instance.
"""

from __future__ import annotations

import logging
from contextlib import ExitStack
from typing import Any, Dict, MutableMapping, Optional

from celery import signals
from django.core import signing
from django.db import connections

from .claims import Claim, acting, current_claim
from .connections import unclaimed

logger = logging.getLogger("django_paysafe.celery")

HEADER = "paysafe"
_SALT = "django_paysafe.celery"
# Web and workers are not renewed at once: each of these is in every message, and a worker
# leaves out what it does not know.  No token: the worker signs one of its own, where it has
# a key.  No address: a task comes from the broker.
_CARRIED = ("actor", "reason", "ticket", "request_id", "business_id")


def _settled() -> Optional[Claim]:
    """Who acts now; finding out may read, for which nobody needs to be named."""
    with ExitStack() as stack:
        for connection in connections.all(initialized_only=True):
            if connection.connection is not None:
                stack.enter_context(unclaimed(connection.alias))
        return current_claim()


def carry(
    sender: Any = None, headers: Optional[MutableMapping[str, Any]] = None, **kwargs: Any
) -> None:
    """before_task_publish: put the claim into the message."""
    if headers is None or "id" not in headers:  # the old protocol, which has no headers
        return
    claim = _settled()
    if claim is None:
        # not that of the task that sends this one, by a copy of its headers
        headers.pop(HEADER, None)
        return
    told = {name: getattr(claim, name) for name in _CARRIED}
    bound = {"id": headers["id"], "task": headers.get("task"), "claim": told}
    headers[HEADER] = signing.dumps(bound, salt=_SALT)


def claim_of(task: Any) -> Optional[Claim]:
    """What came with a task; None: nothing, or nothing that this project has signed."""
    signed = getattr(task.request, HEADER, None) or (task.request.headers or {}).get(HEADER)
    if not signed:
        return None
    try:
        bound = signing.loads(signed, salt=_SALT)
        if bound["id"] != task.request.id or bound["task"] != task.name:
            raise signing.BadSignature("of another task")
        told = {name: bound["claim"][name] for name in _CARRIED}
        if not all(value is None or isinstance(value, str) for value in told.values()):
            raise TypeError("of other types")
        return Claim(**told)
    except (signing.BadSignature, KeyError, TypeError) as error:
        logger.error("task %s acts for nobody: its claim is not good (%s)", task.name, error)
        return Claim()


_running: Dict[str, ExitStack] = {}


def begin(task_id: Any = None, task: Any = None, **kwargs: Any) -> None:
    """task_prerun: the task acts for whoever sent it."""
    claim = claim_of(task)
    if claim is None:  # called eagerly, it is part of what calls it
        return
    stack = ExitStack()
    stack.enter_context(
        acting(
            claim.actor,
            reason=claim.reason,
            ticket=claim.ticket,
            request_id=claim.request_id,
            business_id=claim.business_id,
        )
    )
    _running[task_id] = stack


def end(task_id: Any = None, **kwargs: Any) -> None:
    """task_postrun: the next task of this worker acts for somebody else."""
    stack = _running.pop(task_id, None)
    if stack is not None:
        stack.close()


def connect() -> None:
    signals.before_task_publish.connect(carry, dispatch_uid="django_paysafe.carry", weak=False)
    signals.task_prerun.connect(begin, dispatch_uid="django_paysafe.begin", weak=False)
    signals.task_postrun.connect(end, dispatch_uid="django_paysafe.end", weak=False)
