"""Refusals of the catalog and of top-ups, as REST calls and forms tell them.

Never here: the rules. The one surprising fact: the catalog names the fields of its file ("bid"),
REST names attributes ("bid_micros"); here is where one becomes the other. Who of the house decided
is the house's business, and not said.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from adserver.accounting.top_ups import DecidedTopUpError, TopUpError, UnknownTopUpError
from adserver.api.problems import NotFoundError, UnprocessableError
from adserver.console.web.exchange import Call
from adserver.console.web.problems import ConflictError, pointer
from adserver.marketplace.kinds import KINDS
from adserver.marketplace.problem import CatalogError, NotationError, Problem, spell_path


@contextmanager
def said_to_programs() -> Iterator[None]:
    """Turns refusals into problems with a pointer into the body.

    Raises:
        UnprocessableError: a rule refuses it.
        NotFoundError: there is no such top-up.
        ConflictError: the top-up was decided meanwhile.
    """
    try:
        yield
    except CatalogError as error:
        first = error.problems[0]
        raise UnprocessableError(first.message, pointer(_attribute(first))) from error
    except UnknownTopUpError as error:
        raise NotFoundError(str(error)) from error
    except DecidedTopUpError as error:
        raise ConflictError(f"it is {error.top_up.status} already") from error
    except TopUpError as error:
        field = {"amount": "amount_micros"}.get(error.field, error.field)
        raise UnprocessableError(str(error), pointer(field)) from error


def refused_notation(error: NotationError, *within: str) -> UnprocessableError:
    """A value that is not written as it should be, inside the named fields."""
    return UnprocessableError(str(error), pointer(spell_path(*within, *error.path)))


def by_field(error: CatalogError) -> dict[str, str]:
    """The first thing that is wrong in each field, for a form; "" for the whole."""
    found: dict[str, str] = {}
    for problem in error.problems:
        found.setdefault(problem.field, problem.message)
    return found


def said(call: Call, errors: Mapping[str, str]) -> dict[str, str]:
    """What is wrong by field, in the caller's language as far as the sentence has no values."""
    return {field: call._(message) for field, message in errors.items()}


def _attribute(problem: Problem) -> str:
    kind = KINDS.get(problem.kind)
    known = kind.by_name.get(problem.field) if kind else None
    return known.attribute_name if known else problem.field
