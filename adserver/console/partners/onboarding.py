"""The overview of a partner: what is still to be done before money comes, and what has come.

Never here: doing it. The one surprising fact: nothing is ticked by hand; each step looks at what is
there, so a step that is undone (an archived app) is open again.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from adserver.console.desk import Desk
from adserver.console.partners.apps import apps_of, placements_of
from adserver.console.web.language import N_
from adserver.eventlog.app_requests import has_begun
from adserver.ports import StoreAwayError
from adserver.stores import database, partners
from adserver.stores.links import find_links
from affiliate.partner import Partner, Standing
from models.domain.ids import PlacementId

A_MONTH = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Step:
    """A step: its title, why it matters, whether it is done, and where to do it."""

    title: str
    why: str
    done: bool
    path: str


STEPS = {
    "approved": (
        N_("Be approved"),
        N_("The house looks at every application; nothing is to be done here."),
    ),
    "contract": (
        N_("Have a contract"),
        N_("It says which share of ad revenue and of commissions is yours. The house makes it."),
    ),
    "app": (
        N_("Add an app"),
        N_("An app that shows ads. For links alone none is needed."),
    ),
    "placement": (
        N_("Add a placement"),
        N_("A slot in the app: splash, banner, native, interstitial or rewarded video."),
    ),
    "request": (
        N_("Send the first request"),
        N_("Paste a snippet with your key into the app; the check shows what arrives."),
    ),
    "impression": (
        N_("Show the first ad"),
        N_("An impression counts when the app calls the tracker of an ad that is on screen."),
    ),
    "link": (
        N_("Make a link"),
        N_("A link to a product earns a commission on what is bought after a click."),
    ),
    "bank": (
        N_("Enter a bank account"),
        N_("Without one nothing can be paid out."),
    ),
}
"""The steps in the order in which one takes them: what each is called, and why it matters."""


def steps_of(desk: Desk, partner: Partner, now: datetime) -> list[Step]:
    """The checklist."""
    with database.reading(desk.engine) as connection:
        contracts = partners.contracts_of(connection, [partner.partner_id])[partner.partner_id]
        links = find_links(connection, partner.partner_id)
    apps = apps_of(desk, partner.partner_id)
    slots = [slot for app in apps for slot in placements_of(desk, app)]
    asked, shown = _has_begun(desk, [slot.placement_id for slot in slots], now)
    app = f"/apps/{apps[0].app_id}" if apps else ""
    check = f"{app}/integration" if apps else "/apps"
    found = {
        "approved": (partner.standing is Standing.APPROVED, ""),
        "contract": (any(one.in_force(now) for one in contracts), ""),
        "app": (bool(apps), "/apps/new"),
        "placement": (bool(slots), f"{app}/placements/new" if apps else "/apps/new"),
        "request": (asked, check),
        "impression": (shown, check),
        "link": (bool(links), "/links/new"),
        "bank": (bool(partner.bank_account), "/payouts"),
    }
    return [Step(*STEPS[name], *found[name]) for name in STEPS]


def _has_begun(desk: Desk, placements: list[PlacementId], now: datetime) -> tuple[bool, bool]:
    """Whether a request and an impression arrived in a month; neither while the log is away."""
    if not desk.is_ready():
        return False, False
    try:
        return has_begun(desk.store, placements, now - A_MONTH)
    except StoreAwayError:
        return False, False
