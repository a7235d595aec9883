"""What other rooms refuse, in the one shape that every door of the console understands.

Never here: what is refused. The one surprising fact: REST doors answer a `CatalogError` with 422
and its field, so a page and an endpoint can share a function that raises nothing else.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from adserver.accounting.advertising import DayRefusedError
from adserver.accounting.closing import ClosingRefusedError
from adserver.accounting.payouts import PayoutRefusedError
from adserver.accounting.top_ups import TopUpError
from adserver.console.operators.published_models import ModelRefusedError
from adserver.console.web.exchange import Call
from adserver.feeds.record import FeedError
from adserver.marketplace.problem import CatalogError, Problem
from adserver.stores.experiments import ExperimentRefusedError
from adserver.stores.funds import FundError
from adserver.stores.switches import SwitchError
from affiliate.settlement import StatementDoesNotFootError

REFUSALS = (
    ClosingRefusedError, DayRefusedError, ExperimentRefusedError, FeedError, FundError,
    ModelRefusedError, PayoutRefusedError, StatementDoesNotFootError, SwitchError, TopUpError,
)  # fmt: skip

Errors = dict[str, str]
"""A message by the field that it is about, "" for none of them."""


@contextmanager
def in_words() -> Iterator[None]:
    """Turns every refusal into a CatalogError."""
    try:
        yield
    except REFUSALS as error:
        raise refused(str(error), str(getattr(error, "field", ""))) from error


def refused(message: str, field: str = "") -> CatalogError:
    """A refusal of our own: a `Sentence`, or a text that is marked for translation."""
    return CatalogError(Problem("", "", field, message))


def errors_of(call: Call, error: CatalogError) -> Errors:
    """What a page shows at its fields, in the caller's language."""
    found: Errors = {}
    for problem in error.problems:
        found.setdefault(problem.field.partition("[")[0], call._(problem.message))
    return found
