"""What a REST call gets wrong, said with the field at fault; and the words of other rooms' errors.

Never here: statuses of pages (`web.page_door`).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import msgspec
from sqlalchemy.exc import OperationalError

from adserver.accounts.idempotency import KeyRefusedError
from adserver.api.problems import (
    BadRequestError,
    Problem,
    UnavailableError,
    UnprocessableError,
)
from adserver.marketplace.problem import CatalogError
from adserver.ports import StoreAwayError

RETRY = (("Retry-After", "5"),)
AWAY = "the event log does not answer at the moment; try again in a few seconds"
BUSY = "the database is busy; try again in a few seconds"


class ConflictError(Problem):
    """The same idempotency key with another body, or a state that has moved on."""

    status = HTTPStatus.CONFLICT


class TooManyError(Problem):
    """Too often; Retry-After says when to come again."""

    status = HTTPStatus.TOO_MANY_REQUESTS


@contextmanager
def said_as_problems() -> Iterator[None]:
    """Turns refusals of other rooms into problems."""
    try:
        yield
    except CatalogError as error:
        first = error.problems[0]
        raise UnprocessableError(first.message, pointer(first.field)) from error
    except KeyRefusedError as error:
        raise ConflictError(str(error)) from error
    except StoreAwayError as error:
        raise UnavailableError(AWAY, headers=RETRY) from error
    except OperationalError as error:
        raise UnavailableError(BUSY, headers=RETRY) from error


def decoded(body: bytes, kind: Any) -> Any:
    """A JSON body as its type.

    Raises:
        BadRequestError: it is not JSON, or not of that type; with the field.
    """
    if b"\\u0000" in body:
        raise BadRequestError("text must not contain NUL")
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        detail, _, path = str(error).partition(" - at `$")
        raise BadRequestError(ascii(detail)[1:-1], pointer(path.removesuffix("`"))) from None


def converted(given: Mapping[str, str], kind: Any) -> Any:
    """Query parameters as a Struct.

    Raises:
        BadRequestError: one is not what it should be.
    """
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        detail, _, path = str(error).partition(" - at `$")
        raise BadRequestError(detail, pointer(path.removesuffix("`"))) from None


def pointer(path: str) -> str:
    """A path such as ".caps[2].period" or "caps[2]" as a JSON pointer; "" stays ""."""
    steps = path.replace("[", ".").replace("]", "").split(".")
    return "".join(f"/{step}" for step in steps if step)
