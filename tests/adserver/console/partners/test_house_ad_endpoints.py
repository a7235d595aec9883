"""Apps' own ads by programs: sent in with a picture, taken back, judged by the house."""

from dataclasses import replace
from pathlib import Path

import pytest

from adserver.api.problems import NotFoundError, UnprocessableError
from adserver.console.partners import house_ad_endpoints as endpoints
from adserver.console.partners.house_ad_endpoints import HouseAdUse, HouseAdVerdict
from adserver.console.web.exchange import Call
from adserver.stores import audit, database, house_ads as stored
from tests.adserver.console.partners.office import Office
from tests.adserver.console.partners.test_apps import with_app
from tests.adserver.console.partners.test_house_ads import OPERATOR, sent, travelling


def of_the_house(office: Office, data: object = None, **params: str) -> Call:
    return replace(office.api(**params), who=OPERATOR, data=data)


def actions(office: Office) -> list[str]:
    with database.reading(office.desk.engine) as connection:
        lines = audit.lines(connection, audit.Sought(kind="house_ad"), 10)
    return [line.action for line in lines][::-1]


def test_an_own_ad_is_sent_in_approved_and_taken_back(small: Office, tmp_path: Path) -> None:
    app = with_app(small)
    made = endpoints.add(small.desk, sent(small, app, tmp_path))
    assert (made.app_id, made.review, made.w) == (app.app_id, "pending", 1080)
    (waits,) = endpoints.waiting(small.desk, of_the_house(small)).items
    assert (waits.house_ad_id, waits.asset_url) == (made.house_ad_id, made.asset_url)
    verdict = of_the_house(small, HouseAdVerdict("approved"), house_ad_id=made.house_ad_id)
    assert endpoints.judge(small.desk, verdict).review == "approved"
    assert endpoints.waiting(small.desk, of_the_house(small)).items == []
    assert travelling(small) == [made.house_ad_id]
    place = {"app_id": app.app_id, "house_ad_id": made.house_ad_id}
    for _ in range(2):  # told twice, done once
        off = small.api(data=HouseAdUse(active=False), **place)
        assert not endpoints.use(small.desk, off).active
    assert travelling(small) == []
    assert endpoints.use(small.desk, small.api(data=HouseAdUse(active=True), **place)).active
    assert actions(small) == ["add", "approve", "edit", "edit"]


def test_a_rejected_one_carries_its_reason(small: Office, tmp_path: Path) -> None:
    app = with_app(small)
    made = endpoints.add(small.desk, sent(small, app, tmp_path))
    verdict = HouseAdVerdict("rejected", " blurred ")
    judged = endpoints.judge(small.desk, of_the_house(small, verdict, house_ad_id=made.house_ad_id))
    assert (judged.review, judged.review_reason) == ("rejected", "blurred")


def test_what_will_not_do_is_refused_at_its_field(small: Office, tmp_path: Path) -> None:
    app = with_app(small)
    with pytest.raises(UnprocessableError) as refused:
        endpoints.add(small.desk, sent(small, app, tmp_path, title=""))
    assert refused.value.field == "/title"
    with pytest.raises(UnprocessableError) as refused:
        endpoints.add(small.desk, replace(sent(small, app, tmp_path), files={}))
    assert refused.value.field == "/picture"
    with database.reading(small.desk.engine) as connection:
        assert stored.of_app(connection, app.app_id) == []


def test_what_is_not_there_is_not_there(small: Office, tmp_path: Path) -> None:
    app = with_app(small)
    nobody = of_the_house(small, HouseAdVerdict("approved"), house_ad_id="ha_none")
    with pytest.raises(NotFoundError):
        endpoints.judge(small.desk, nobody)
    none = small.api(data=HouseAdUse(active=False), app_id=app.app_id, house_ad_id="ha_none")
    with pytest.raises(NotFoundError):
        endpoints.use(small.desk, none)
    call = replace(sent(small, app, tmp_path), params={"partner_id": "p1", "app_id": "other"})
    with pytest.raises(NotFoundError):
        endpoints.add(small.desk, call)
