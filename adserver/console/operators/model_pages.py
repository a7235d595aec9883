"""The pages and endpoints of click models: versions, figures, reliability, promote and roll back.

Never here: a model's files (`published_models`). The one surprising fact: promoting moves a pointer
that workers follow within seconds; what they refuse, with the reason, is in their log and metrics.
"""

from datetime import datetime
from typing import Any

from markupsafe import Markup
from msgspec import Struct

from adserver import publication
from adserver.accounts.identity import Identity
from adserver.api.problems import NotFoundError
from adserver.console.desk import Desk
from adserver.console.operators import published_models as published
from adserver.console.operators.house import sheet
from adserver.console.operators.paging import Order, Place, moment, paged, part_of
from adserver.console.operators.published_models import Figures, PublishedModel
from adserver.console.operators.refusals import Errors, errors_of, in_words, refused
from adserver.console.web import plots
from adserver.console.web.exchange import Call, Download, Html, Listed, Reply, See
from adserver.console.web.language import N_
from adserver.console.web.plots import Frame
from adserver.console.web.routes import OPERATORS, Endpoint, Page
from adserver.marketplace.problem import CatalogError
from adserver.stores import audit, database

PATH = "/house/models"
ONE = f"{PATH}/{{version}}"


class ModelOut(Struct):
    """A model and its figures on rows that it had not seen; null where they cannot be said.

    `baseline_*` are a logistic regression's on the same rows.
    """

    version: str
    in_force: bool
    made_at: datetime | None
    passed: bool
    trees: int
    learned_rows: int
    rows: int
    auc: float | None
    log_loss: float | None
    normalized_entropy: float | None
    calibration: float | None
    baseline_auc: float | None
    baseline_log_loss: float | None
    trouble: str


def promote(desk: Desk, who: Identity, version: str, now: datetime) -> PublishedModel:
    """Puts a version in force. Raises NotFoundError, CatalogError: it is damaged."""
    root = published.root_of(desk.settings.data_dir)
    before = _find(desk, version)
    if before.in_force:
        return before
    with in_words(), database.writing(desk.engine) as connection:
        told = {"in_force": publication.current(root) or ""}, {"in_force": version}
        audit.record(connection, who, "promote", "model", version, *told, now)
        published.promote(root, version)
    return _find(desk, version)


def roll_back(desk: Desk, who: Identity, now: datetime) -> PublishedModel:
    """Puts the version before the one in force back. Raises CatalogError: there is none."""
    version = published.before(published.root_of(desk.settings.data_dir))
    if version is None:
        raise refused(N_("no model is older than the one in force"))
    return promote(desk, who, version, now)


def _find(desk: Desk, version: str) -> PublishedModel:
    found = published.model(published.root_of(desk.settings.data_dir), version)
    if found is None:
        raise NotFoundError("there is no such model")
    return found


def _place(one: PublishedModel) -> Place:
    return moment(one.made_at) if one.made_at else 0, one.version


NEWEST_FIRST = Order(_place, falling=True)


def _all_models(desk: Desk) -> list[PublishedModel]:
    return NEWEST_FIRST.sorted(published.all_models(published.root_of(desk.settings.data_dir)))


def page(desk: Desk, call: Call) -> Html:
    """`GET /house/models`."""
    return _page(desk, call, {}, 200)


def as_csv(desk: Desk, _: Call) -> Download:
    """`GET /house/models.csv`."""
    return sheet("models", ModelOut, map(_out, _all_models(desk)))


def post_roll_back(desk: Desk, call: Call) -> Reply:
    """`POST /house/models/roll-back`."""
    try:
        roll_back(desk, call.identity, call.now)
    except CatalogError as error:
        return _page(desk, call, errors_of(call, error), 422)
    return See(PATH, N_("The model before it is in force. Workers follow within seconds."))


def _page(desk: Desk, call: Call, errors: Errors, status: int) -> Html:
    root = published.root_of(desk.settings.data_dir)
    some, further = part_of(call, PATH, _all_models(desk), NEWEST_FIRST)
    values = {
        "models": some,
        "next": further,
        "before": published.before(root),
        "errors": errors,
    }
    return Html("operators/models.html", values, status)


def one_page(desk: Desk, call: Call) -> Html:
    """`GET /house/models/{version}`."""
    return _one_page(desk, call, {}, 200)


def post_promote(desk: Desk, call: Call) -> Reply:
    """`POST /house/models/{version}/promote`."""
    version = call.params["version"]
    try:
        promote(desk, call.identity, version, call.now)
    except CatalogError as error:
        return _one_page(desk, call, errors_of(call, error), 422)
    return See(f"{PATH}/{version}", N_("The model is in force. Workers follow within seconds."))


def card(desk: Desk, call: Call) -> Download:
    """`GET /house/models/{version}/card`: what training wrote of it, as Markdown."""
    found = _find(desk, call.params["version"])
    return Download(found.card.encode(), "text/plain; charset=utf-8", f"{found.version}-card.md")


def _one_page(desk: Desk, call: Call, errors: Errors, status: int) -> Html:
    found = _find(desk, call.params["version"])
    compared = [
        (call._(N_("This model")), found.candidate),
        (call._(N_("Logistic regression")), found.baseline),
        (call._(N_("This model, on rows new to the one it was to replace")), found.against_serving),
        (call._(N_("The model it was to replace, on the same rows")), found.serving),
    ]
    values = {
        "model": found,
        "compared": [(name, figures) for name, figures in compared if figures is not None],
        "plot": _reliability(call, found.candidate),
        "errors": errors,
    }
    return Html("operators/model.html", values, status)


def _reliability(call: Call, figures: Figures) -> Markup:
    rows: list[dict[str, Any]] = [
        {"predicted": predicted, "observed": observed}
        for predicted, observed, _ in figures.reliability
    ]
    frame = Frame(
        call._(N_("Predicted and observed click rates")),
        x_title=call._(N_("predicted")),
        y_title=call._(N_("observed")),
        unit="percent",
        x_unit="percent",
    )
    return plots.reliability(rows, "predicted", "observed", frame)


def listed(desk: Desk, call: Call) -> Listed:
    """`GET /api/v1/house/models`, newest first."""
    return paged(call, _all_models(desk), NEWEST_FIRST, _out)


def rest_promote(desk: Desk, call: Call) -> ModelOut:
    """`POST /api/v1/house/models/{version}/promote`."""
    return _out(promote(desk, call.identity, call.params["version"], call.now))


def rest_roll_back(desk: Desk, call: Call) -> ModelOut:
    """`POST /api/v1/house/models/roll-back`."""
    return _out(roll_back(desk, call.identity, call.now))


def _out(one: PublishedModel) -> ModelOut:
    mine, plain = one.candidate, one.baseline or Figures()
    return ModelOut(
        one.version,
        one.in_force,
        one.made_at,
        one.passed,
        one.trees,
        one.learned_rows,
        mine.rows,
        mine.auc,
        mine.log_loss,
        mine.normalized_entropy,
        mine.calibration,
        plain.auc,
        plain.log_loss,
        one.trouble,
    )


PAGES = (
    Page("GET", PATH, page, OPERATORS),
    Page("GET", f"{PATH}.csv", as_csv, OPERATORS),
    Page("POST", f"{PATH}/roll-back", post_roll_back, OPERATORS),
    Page("GET", ONE, one_page, OPERATORS),
    Page("GET", f"{ONE}/card", card, OPERATORS),
    Page("POST", f"{ONE}/promote", post_promote, OPERATORS),
)
_API = "/api/v1/house/models"
ENDPOINTS = (
    Endpoint("GET", _API, "Click models with their figures", listed, OPERATORS, answer=ModelOut,
             listed=True),
    Endpoint("POST", f"{_API}/roll-back", "Put the model before the one in force back in force",
             rest_roll_back, OPERATORS, answer=ModelOut),
    Endpoint("POST", f"{_API}/{{version}}/promote", "Put a model in force", rest_promote,
             OPERATORS, answer=ModelOut),
)  # fmt: skip
