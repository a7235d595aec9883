"""A desk that is killed between any two statements: told again, the books end the same."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from affiliate.order import OrderFact, Status
from affiliate.partner import Subsidy
from tests.adserver.accounting.shop import POOL, Shop, opened
from tests.adserver.stores.sql_databases import database_url
from tests.affiliate.sales import fact

__all__ = ["database_url"]


class KilledError(Exception):
    """Stands for the end of the process: nothing of the open transaction survives it."""


@contextmanager
def killed_at(engine: Engine, moment: str, number: int) -> Iterator[Callable[[], int]]:
    """Raises at the n-th time the moment comes; tells how often it came."""
    came = 0

    def count(*_: Any) -> None:
        nonlocal came
        came += 1
        if came == number:
            raise KilledError

    event.listen(engine, moment, count)
    try:
        yield lambda: came
    finally:
        event.remove(engine, moment, count)


def reports(shop: Shop) -> list[list[OrderFact]]:
    click = shop.click()
    return [
        [fact(click_id=click, customer_ref="c"), fact(order_id="o2", customer_ref="c")],
        [fact(version=2, status=Status.RECEIVED), fact(order_id="o3", click_id=click)],
        [fact(version=3, status=Status.REFUNDED), fact(order_id="o3", click_id=click)],
    ]


@pytest.mark.parametrize("moment", ["before_cursor_execute", "after_cursor_execute", "commit"])
def test_told_again_after_a_kill_at_any_statement_the_books_end_the_same(
    database_url: str, tmp_path: Path, moment: str
) -> None:
    terms: dict[str, Any] = {"cap_minor": 1_500, "subsidy": Subsidy(POOL, 300_000)}
    with opened(f"sqlite:///{tmp_path / 'undisturbed.sqlite'}") as undisturbed:
        undisturbed.furnish(**terms).fill_fund(350)
        for batch in reports(undisturbed):
            undisturbed.tell(*batch)
        expected = undisturbed.books()
    with opened(database_url) as shop:
        shop.furnish(**terms).fill_fund(350)
        kills = 0
        for batch in reports(shop):
            for number in range(1, 200):
                with killed_at(shop.engine, moment, number) as came:
                    try:
                        shop.tell(*batch)
                    except KilledError:
                        kills += 1
                        continue
                    assert came() < number
                    break
        assert shop.books() == expected
        assert kills >= (6 if moment == "commit" else 60)
