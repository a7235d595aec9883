"""Experiments: a share of users is served by another published model; both arms side by side.

Never here: how arms are counted (`reports.experiments`) or who is in which (`experiment_package`).
The one surprising fact: both arms spend the same budgets and learn from the same log, so an
experiment compares click rates and money a user, and never what a line item delivers.
"""

from datetime import UTC, datetime
from fractions import Fraction

from msgspec import Struct

from adserver import publication
from adserver.accounts.identity import Identity
from adserver.api.problems import NotFoundError
from adserver.console.desk import Desk
from adserver.console.operators import published_models as published
from adserver.console.operators.house import sheet, text
from adserver.console.operators.paging import Order, Place, moment, paged, part_of
from adserver.console.operators.refusals import Errors, errors_of, in_words, refused
from adserver.console.web.exchange import Call, Download, Html, Listed, Reply, See
from adserver.console.web.language import N_
from adserver.console.web.routes import OPERATORS, Endpoint, Page
from adserver.marketplace.problem import CatalogError
from adserver.marketplace.rate_notation import parse_percent
from adserver.ports import StatementRefusedError, StoreAwayError
from adserver.reports.experiments import Arm, Comparison, compare
from adserver.stores import database, experiments
from adserver.stores.experiments import Experiment
from models.domain.money import PPM

PATH = "/house/experiments"
ONE = f"{PATH}/{{experiment}}"


class NewExperiment(Struct):
    """Which model is tried on which share of users, in parts per million."""

    name: str
    model_version: str
    share_ppm: int


class ExperimentOut(Struct):
    """An experiment. `ended_at` null: it runs."""

    name: str
    model_version: str
    control_version: str
    share_ppm: int
    started_by: str
    started_at: datetime
    ended_at: datetime | None


class ArmOut(Struct):
    """One arm: rates are clicks of an impression, with their 95 % interval; null when unknown."""

    arm: str
    users: int
    viewers: int
    impressions: int
    clicks: int
    charged_micros: int
    click_rate: float | None
    low: float | None
    high: float | None


class ComparisonOut(Struct):
    """Both arms, and the challenger's click rate over the control's: 0.05 is 5 % more."""

    control: ArmOut
    challenger: ArmOut
    lift: float | None
    lift_low: float | None
    lift_high: float | None
    is_decided: bool


def _place(one: Experiment) -> Place:
    return moment(one.started_at), one.name


LATEST_FIRST = Order(_place, falling=True)
_BY_NAME: Order[Experiment] = Order(lambda one: (one.name,))


def everything(desk: Desk) -> list[Experiment]:
    """All experiments, the latest first."""
    with database.reading(desk.engine) as connection:
        return LATEST_FIRST.sorted(experiments.all_experiments(connection))


def find(desk: Desk, name: str) -> Experiment:
    """One experiment. Raises NotFoundError."""
    for one in everything(desk):
        if one.name == name:
            return one
    raise NotFoundError("there is no such experiment")


def begin(desk: Desk, who: Identity, given: NewExperiment, now: datetime) -> Experiment:
    """Starts an experiment. Raises CatalogError."""
    root = published.root_of(desk.settings.data_dir)
    control = publication.current(root) or ""
    model = published.model(root, given.model_version)
    if model is None or model.trouble:
        raise refused(N_("there is no such model that can be read"), "model_version")
    if model.version == control:
        raise refused(N_("this is the model in force; try another one"), "model_version")
    wanted = Experiment(
        given.name, model.version, control, given.share_ppm, who.actor[:320], now.astimezone(UTC)
    )
    with in_words(), database.writing(desk.engine) as connection:
        return experiments.begin(connection, wanted, who)


def end(desk: Desk, who: Identity, name: str, now: datetime) -> Experiment:
    """Ends an experiment; everybody is served by the model in force. Raises NotFoundError."""
    find(desk, name)
    with database.writing(desk.engine) as connection:
        experiments.end(connection, name, who, now)
    return find(desk, name)


def compared(desk: Desk, one: Experiment, now: datetime) -> Comparison | None:
    """What its arms came to; None while the event log is away or not ready."""
    if not desk.is_ready():
        return None
    try:
        return compare(desk.store, one.name, one.started_at, one.ended_at or now)
    except (StoreAwayError, StatementRefusedError):
        return None


def page(desk: Desk, call: Call) -> Html:
    """`GET /house/experiments`."""
    return _page(desk, call, {}, 200)


def add(desk: Desk, call: Call) -> Reply:
    """`POST /house/experiments`."""
    try:
        share = _share(text(call, "share"))
        given = NewExperiment(text(call, "name"), text(call, "model_version"), share)
        made = begin(desk, call.identity, given, call.now)
    except CatalogError as error:
        return _page(desk, call, errors_of(call, error), 422)
    return See(f"{PATH}/{made.name}", N_("The experiment has begun."))


def _share(given: str) -> int:
    try:
        return parse_percent(given if given.endswith("%") else f"{given}%")
    except ValueError as error:
        raise refused(str(error), "share") from None


def _page(desk: Desk, call: Call, errors: Errors, status: int) -> Html:
    root = published.root_of(desk.settings.data_dir)
    others = [one for one in published.all_models(root) if not one.in_force and not one.trouble]
    some, further = part_of(call, PATH, everything(desk), LATEST_FIRST)
    values = {
        "experiments": some,
        "next": further,
        "choices": [(one.version, one.version) for one in others],
        "in_force": publication.current(root) or "",
        "values": {name: text(call, name) for name in ("name", "model_version", "share")},
        "errors": errors,
    }
    return Html("operators/experiments.html", values, status)


def as_csv(desk: Desk, _: Call) -> Download:
    """`GET /house/experiments.csv`."""
    return sheet("experiments", ExperimentOut, map(_out, everything(desk)))


def one_page(desk: Desk, call: Call) -> Html:
    """`GET /house/experiments/{experiment}`."""
    one = find(desk, call.params["experiment"])
    found = compared(desk, one, call.now)
    arms = [] if found is None else [found.control, found.challenger]
    values = {
        "experiment": one,
        "comparison": found,
        "arms": [(arm, _fraction(arm.rate), _spread(arm), _each(arm)) for arm in arms],
        "lift": [_fraction(part) for part in found.lift] if found and found.lift else None,
        "currency": desk.settings.currency,
    }
    return Html("operators/experiment.html", values)


def post_end(desk: Desk, call: Call) -> Reply:
    """`POST /house/experiments/{experiment}/end`."""
    name = call.params["experiment"]
    end(desk, call.identity, name, call.now)
    said = N_("The experiment has ended: everybody is served by the model in force.")
    return See(f"{PATH}/{name}", said)


def _fraction(value: float | None) -> Fraction | None:
    return None if value is None else Fraction(value).limit_denominator(PPM * 10)


def _spread(arm: Arm) -> tuple[Fraction | None, Fraction | None]:
    low, high = arm.interval or (None, None)
    return _fraction(low), _fraction(high)


def _each(arm: Arm) -> int | None:
    """Micros that a thousand users brought."""
    return arm.charged_micros * 1_000 // arm.users if arm.users else None


def listed(desk: Desk, call: Call) -> Listed:
    """`GET /api/v1/house/experiments`, by name."""
    return paged(call, everything(desk), _BY_NAME, _out)


def post(desk: Desk, call: Call) -> ExperimentOut:
    """`POST /api/v1/house/experiments`."""
    return _out(begin(desk, call.identity, call.data, call.now))


def rest_end(desk: Desk, call: Call) -> ExperimentOut:
    """`POST /api/v1/house/experiments/{experiment}/end`."""
    return _out(end(desk, call.identity, call.params["experiment"], call.now))


def get_comparison(desk: Desk, call: Call) -> ComparisonOut:
    """`GET /api/v1/house/experiments/{experiment}/arms`. Raises StoreAwayError."""
    found = compared(desk, find(desk, call.params["experiment"]), call.now)
    if found is None:
        raise StoreAwayError("the event log is not ready")
    low, seen, high = found.lift or (None, None, None)
    arms = _arm_out(found.control), _arm_out(found.challenger)
    return ComparisonOut(*arms, seen, low, high, found.is_decided)


def _out(one: Experiment) -> ExperimentOut:
    return ExperimentOut(*(getattr(one, name) for name in ExperimentOut.__struct_fields__))


def _arm_out(arm: Arm) -> ArmOut:
    low, high = arm.interval or (None, None)
    return ArmOut(
        arm.name,
        arm.users,
        arm.viewers,
        arm.impressions,
        arm.clicks,
        arm.charged_micros,
        arm.rate,
        low,
        high,
    )


PAGES = (
    Page("GET", PATH, page, OPERATORS),
    Page("GET", f"{PATH}.csv", as_csv, OPERATORS),
    Page("POST", PATH, add, OPERATORS),
    Page("GET", ONE, one_page, OPERATORS),
    Page("POST", f"{ONE}/end", post_end, OPERATORS),
)
_API = "/api/v1/house/experiments"
ENDPOINTS = (
    Endpoint("GET", _API, "All experiments", listed, OPERATORS, answer=ExperimentOut, listed=True),
    Endpoint("POST", _API, "Try another model on a share of users", post, OPERATORS,
             body=NewExperiment, answer=ExperimentOut, status=201),
    Endpoint("GET", f"{_API}/{{experiment}}/arms", "What both arms came to", get_comparison,
             OPERATORS, answer=ComparisonOut, problems=(503,)),
    Endpoint("POST", f"{_API}/{{experiment}}/end", "End an experiment", rest_end, OPERATORS,
             answer=ExperimentOut),
)  # fmt: skip
