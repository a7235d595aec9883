"""Sessions that are over go, all others stay."""

from sqlalchemy import func, select

from adserver.accounts import sessions
from adserver.accounts.tidying import tidy
from adserver.stores import database
from adserver.stores.account_tables import SESSIONS
from tests.adserver.accounts.houses import HOUR, NOW, House


def test_only_what_nobody_can_use_any_more_is_removed(house: House) -> None:
    old = sessions.begin(house.engine, house.ann.user_id, NOW - 12 * HOUR)
    new = sessions.begin(house.engine, house.ann.user_id, NOW - 11 * HOUR)
    assert tidy(house.engine, NOW) == 1
    assert tidy(house.engine, NOW) == 0
    assert sessions.identity_of_session(house.engine, old, NOW) is None
    assert sessions.identity_of_session(house.engine, new, NOW) is not None
    with database.reading(house.engine) as connection:
        assert connection.execute(select(func.count()).select_from(SESSIONS)).scalar_one() == 1
