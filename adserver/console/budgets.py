"""Every line item's budgets, fresh from the catalog, for counting what dead workers left behind.

Never here: spending. The one surprising fact: until the catalog has been read nothing may be
counted, for a budget that nobody knows would clamp the charge to zero.
"""

from adserver.ports import CatalogStore
from adserver.stores.bookkeeper import NOTHING_TO_SPEND, Budget
from models.domain.ids import LineItemId


class CatalogBudgets:
    """Budgets as of the last `refresh`."""

    def __init__(self, catalog: CatalogStore) -> None:
        self._catalog = catalog
        self._revision = -1
        self._budgets: dict[LineItemId, Budget] = {}

    def refresh(self) -> None:
        """Reads the catalog if it has changed. Blocks."""
        revision = self._catalog.revision()
        if revision == self._revision:
            return
        self._budgets |= {  # what was taken out of the catalog may still have events to count
            item.line_item_id: Budget(item.daily_budget_micros, item.total_budget_micros)
            for item in self._catalog.load().line_items
        }
        self._revision = revision

    def __call__(self, line_item_id: LineItemId) -> Budget:
        """What a line item may spend; nothing, when nobody knows it."""
        return self._budgets.get(line_item_id, NOTHING_TO_SPEND)
