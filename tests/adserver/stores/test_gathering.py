import asyncio

import pytest

from adserver.stores.gathering import LANES, Gathering, ImpatientGathering


class Trips:
    """Serves numbers as text; remembers its trips; can be held up."""

    def __init__(self) -> None:
        self.made: list[list[int]] = []
        self.open = asyncio.Event()
        self.open.set()

    async def serve(self, questions: list[int]) -> list[str | Exception]:
        self.made.append(questions)
        await self.open.wait()
        return [str(one) if one >= 0 else ValueError(str(one)) for one in questions]


async def test_all_who_ask_in_one_turn_share_a_trip() -> None:
    trips = Trips()
    gathering = Gathering(trips.serve)
    assert await asyncio.gather(*map(gathering.ask, range(5))) == ["0", "1", "2", "3", "4"]
    assert await gathering.ask(9) == "9"
    assert trips.made == [[0, 1, 2, 3, 4], [9]]


async def test_an_answer_that_is_an_error_reaches_its_asker_only() -> None:
    gathering = Gathering(Trips().serve)
    answers = await asyncio.gather(*map(gathering.ask, (1, -2, 3)), return_exceptions=True)
    assert [type(one) for one in answers] == [str, ValueError, str]


async def test_a_trip_that_fails_fails_for_all_of_its_askers() -> None:
    async def serve(_: list[int]) -> list[str]:
        raise OSError("away")

    answers = await asyncio.gather(*map(Gathering(serve).ask, (1, 2)), return_exceptions=True)
    assert [type(one) for one in answers] == [OSError, OSError]


async def test_with_all_lanes_stuck_the_next_gathering_grows_and_then_leaves() -> None:
    trips = Trips()
    trips.open.clear()
    gathering = Gathering(trips.serve)
    asked = []
    for number in range(LANES + 3):
        asked.append(gathering.ask(number))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert len(trips.made) == LANES
    trips.open.set()
    assert await asyncio.gather(*asked) == [str(number) for number in range(LANES + 3)]
    assert trips.made[LANES:] == [[LANES, LANES + 1, LANES + 2]]


async def test_an_asker_who_went_away_disturbs_nobody() -> None:
    trips = Trips()
    gathering = Gathering(trips.serve)
    gone, staying = gathering.ask(1), gathering.ask(2)
    gone.cancel()
    assert await staying == "2"


async def test_who_has_waited_too_long_gets_the_late_answer() -> None:
    trips = Trips()
    trips.open.clear()
    gathering = ImpatientGathering(trips.serve, 0.01, "late")
    under_way = [gathering.ask(number) for number in range(2)]
    await asyncio.sleep(0)
    assert await asyncio.gather(*under_way) == ["late", "late"]
    trips.open.set()
    assert await gathering.ask(3) == "3"


async def test_who_never_left_gives_up_too_and_is_not_asked_about_later() -> None:
    trips = Trips()
    trips.open.clear()
    gathering = ImpatientGathering(trips.serve, 0.01, "late")
    for number in range(LANES):
        _ = gathering.ask(number)
        await asyncio.sleep(0.001)
    assert await gathering.ask(77) == "late"
    trips.open.set()
    assert await gathering.ask(78) == "78"
    assert [77] not in trips.made


async def test_a_cancelled_trip_is_an_error_for_its_askers() -> None:
    trips = Trips()
    trips.open.clear()
    gathering = Gathering(trips.serve)
    asked = gathering.ask(1)
    await asyncio.sleep(0)
    for trip in list(gathering._under_way):
        trip.cancel()
    with pytest.raises(ConnectionAbortedError):
        await asked
    await gathering.close()
