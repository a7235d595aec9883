"""Where every line item stood in one request: the reason that it left, or that it won.

For sampled requests, off the hot path; the hot path only counts. The one surprising fact: nothing
is worked out here. The decision is taken once more from its own lot, with the slate traced.
"""

from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from models.domain.ad_request import AdRequest
from models.domain.user import UserState
from ranking.decision import Decision, decide
from ranking.slate import REASONS, STAYS
from ranking.snapshot import Snapshot


def census(
    request: AdRequest,
    user: UserState,
    snapshot: Snapshot,
    now: datetime,
    decision: Decision,
) -> NDArray[np.uint8]:
    """For each line item row the code of its outcome; `name_of` has the words.

    A line item with several creatives is told by the one that came furthest. Budgets are seen as
    they are now, so it is best taken before the winners are reserved; who won is as decided.
    """
    again = decide(request, user, snapshot, now, decision.lot, traced=True)
    furthest = np.where(again.fate == STAYS, len(REASONS), again.fate)
    outcome = np.zeros(len(snapshot.catalog.line_items), np.uint8)
    np.maximum.at(outcome, snapshot.catalog.ad_line_item, furthest.astype(np.uint8))
    outcome[outcome == len(REASONS)] = STAYS
    for winner in decision.winners:
        outcome[snapshot.catalog.ad_line_item[winner.ad.row]] = STAYS
    return outcome


def name_of(code: int) -> str:
    """ "won", or the text of a `NoAdReason`."""
    return REASONS[code]
