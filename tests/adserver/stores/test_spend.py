from adserver.stores.redis_client import RedisLine
from adserver.stores.spend import RedisSpend, Spent
from models.domain.event import EventKind
from models.domain.ids import LineItemId
from models.domain.money import Micros
from tests.adserver.stores.redis_cases import new_line_item

DAY = 20_775


async def test_what_nobody_spent_is_nothing(line: RedisLine) -> None:
    spend = RedisSpend(line)
    assert await spend.spent([], []) == []
    assert await spend.spent([new_line_item()], [DAY]) == [(0, 0)]
    assert await spend.counts([new_line_item()]) == [dict.fromkeys(EventKind, 0)]


async def test_a_thousand_line_items_with_their_own_days_are_read_in_order(
    line: RedisLine,
) -> None:
    spend = RedisSpend(line)
    line_items = [new_line_item() for _ in range(1000)]
    days = [DAY + number % 2 for number in range(1000)]
    await spend.restore(
        Spent(one, day, Micros(number), Micros(10**15 + number))
        for number, (one, day) in enumerate(zip(line_items, days, strict=True))
    )
    assert await spend.spent(line_items, days) == [(n, 10**15 + n) for n in range(1000)]
    assert await spend.spent(line_items, [day + 5 for day in days]) == [
        (0, 10**15 + n) for n in range(1000)
    ]


async def test_restoring_raises_and_never_lowers(line: RedisLine) -> None:
    spend, line_item = RedisSpend(line), new_line_item()
    for on_day, in_total in ((50, 500), (40, 600), (60, 400)):
        await spend.restore([Spent(line_item, DAY, Micros(on_day), Micros(in_total))])
    assert await spend.spent([line_item], [DAY]) == [(60, 600)]


async def test_ids_in_any_script_are_fine(line: RedisLine) -> None:
    spend, line_item = RedisSpend(line), LineItemId(f"行{new_line_item()} {{x}}")
    await spend.restore([Spent(line_item, DAY, Micros(1), Micros(2))])
    assert await spend.spent([line_item], [DAY]) == [(1, 2)]
