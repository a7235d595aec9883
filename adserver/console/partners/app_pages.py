"""The pages of apps: the overview with its checklist, apps, placements, keys, the check.

Never here: the catalog (`apps`) or what arrived (`integration`). The one surprising fact: a form
that is refused comes back with 422, everything typed still in it.
"""

from collections.abc import Mapping
from typing import Any

from adserver.console.desk import Desk
from adserver.console.partners import apps, integration, words
from adserver.console.partners.figures import figures_of
from adserver.console.partners.onboarding import steps_of
from adserver.console.partners.snippets import snippets
from adserver.console.partners.whose import base_path, partner_of
from adserver.console.web.exchange import Call, Html, See
from adserver.console.web.language import N_
from adserver.marketplace.fields import Kind
from adserver.marketplace.problem import CatalogError
from adserver.marketplace.selling import APP, PLACEMENT
from models.domain.placement import App, Format, Placement


def home(desk: Desk, call: Call) -> Html:
    """The overview: what is still to be done, and what has come in."""
    partner = partner_of(desk, call)
    steps = steps_of(desk, partner, call.now)
    values = {
        "base": base_path(call),
        "partner": partner,
        "steps": [
            (call._(one.title), call._(one.why), one.done, f"{base_path(call)}{one.path}")
            for one in steps
        ],
        "left": sum(not one.done for one in steps),
        "figures": figures_of(desk, partner, desk.settings.currency, call.now),
    }
    return Html("partners/home.html", values)


def listing(desk: Desk, call: Call) -> Html:
    """The partner's apps."""
    partner = partner_of(desk, call)
    found = apps.apps_of(desk, partner.partner_id)
    rows = [(one, len(apps.placements_of(desk, one))) for one in found]
    return Html("partners/apps.html", {"rows": rows, "base": base_path(call)})


def new_app(desk: Desk, call: Call) -> Html:
    """The form of a new app."""
    partner_of(desk, call)
    return _app_form(call, {}, {})


def _app_form(call: Call, typed: Mapping[str, str], errors: Mapping[str, str]) -> Html:
    values = {"base": base_path(call), "typed": typed, "errors": errors}
    return Html("partners/app_new.html", values, 422 if errors else 200)


def add_app(desk: Desk, call: Call) -> Html | See:
    """Takes the form of a new app."""
    partner = partner_of(desk, call)
    try:
        app = apps.add_app(desk, partner.partner_id, call.identity, call.form, call.now)
    except CatalogError as error:
        return _app_form(call, call.form, apps.errors_of(call, error))
    said = call._(N_("The app is there. Now add a slot for its ads."))
    return See(f"{base_path(call)}/apps/{app.app_id}/placements/new", said)


def app_page(desk: Desk, call: Call) -> Html:
    """One app: key, snippets, placements, block lists."""
    return _app_page(desk, call, _app(desk, call))


def _app(desk: Desk, call: Call) -> App:
    partner = partner_of(desk, call)
    return apps.app_of(desk, partner.partner_id, call.params["app_id"])


def _app_page(
    desk: Desk,
    call: Call,
    app: App,
    typed: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
) -> Html:
    slots = apps.placements_of(desk, app, archived=True)
    key = apps.key_of(desk, app)
    base_url = desk.settings.base_url
    in_use = [slot for slot in slots if slot.active]
    values = {
        "base": base_path(call),
        "here": f"{base_path(call)}/apps/{app.app_id}",
        "app": app,
        "key": key,
        "preview": f"{base_url}/preview?key={key}",
        "snippets": snippets(base_url, key, in_use[0] if in_use else None),
        "placements": [(slot, call._(words.FORMATS[slot.format])) for slot in slots],
        "advertisers": apps.advertisers(desk),
        "written": written(APP, app) | dict(typed or {}),
        "errors": errors or {},
    }
    return Html("partners/app.html", values, 422 if errors else 200)


def written(kind: Kind, entity: Any) -> dict[str, Any]:
    """An entity's fields as a form shows them: lists with commas between."""
    found: dict[str, Any] = {}
    for field in kind.fields:
        value = field.write(getattr(entity, field.attribute_name), apps.UTC)
        many = isinstance(value, list) and field.name != "blocked_advertisers"
        found[field.name] = ", ".join(map(str, value)) if many else value
    return found


def save_app(desk: Desk, call: Call) -> Html | See:
    """Takes the form of an app: its name, what it is about, whom and what it blocks."""
    app = _app(desk, call)
    given = given_of(call)
    try:
        apps.edit_app(desk, app, call.identity, given, call.now)
    except CatalogError as error:
        return _app_page(desk, call, app, given, apps.errors_of(call, error))
    return See(f"{base_path(call)}/apps/{app.app_id}", call._(N_("The app was changed.")))


def given_of(call: Call) -> dict[str, Any]:
    """A form's fields; the block list of advertisers may be given many times, or not at all."""
    given: dict[str, Any] = dict(call.form.items())
    given["blocked_advertisers"] = call.form.getall("blocked_advertisers", [])
    return given


def rotate(desk: Desk, call: Call) -> See:
    """Gives the app a new key."""
    app = _app(desk, call)
    apps.rotate_key(desk, app, call.identity, call.now)
    said = call._(N_("The app has a new key. The old one is refused within seconds."))
    return See(f"{base_path(call)}/apps/{app.app_id}", said)


def new_placement(desk: Desk, call: Call) -> Html:
    """The form of a new placement, with a drawing of each format."""
    form = call.query.get("format", Format.SPLASH)
    chosen = Format(form) if form in set(Format) else Format.SPLASH
    typed = {"format": chosen, "sizes": words.USUAL_SIZES[chosen], "max_ads": "1"}
    return _placement_form(call, _app(desk, call), typed, {})


def _placement_form(
    call: Call, app: App, typed: Mapping[str, Any], errors: Mapping[str, str]
) -> Html:
    values = {
        "base": base_path(call),
        "here": f"{base_path(call)}/apps/{app.app_id}",
        "app": app,
        "formats": [
            (str(form), call._(words.FORMATS[form]), call._(words.FORMAT_USES[form]))
            for form in Format
        ],
        "typed": typed,
        "errors": errors,
    }
    return Html("partners/placement_new.html", values, 422 if errors else 200)


def add_placement(desk: Desk, call: Call) -> Html | See:
    """Takes the form of a new placement."""
    app = _app(desk, call)
    try:
        apps.add_placement(desk, app, call.identity, call.form, call.now)
    except CatalogError as error:
        return _placement_form(call, app, call.form, apps.errors_of(call, error))
    said = call._(N_("The placement is there. Its id is in the snippets below."))
    return See(f"{base_path(call)}/apps/{app.app_id}", said)


def placement_page(desk: Desk, call: Call) -> Html:
    """One placement: its floor, sizes and block lists."""
    app = _app(desk, call)
    slot = apps.placement_of(desk, app, call.params["placement_id"])
    return _placement_page(desk, call, app, slot)


def _placement_page(
    desk: Desk,
    call: Call,
    app: App,
    slot: Placement,
    typed: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
) -> Html:
    values = {
        "base": base_path(call),
        "here": f"{base_path(call)}/apps/{app.app_id}",
        "app": app,
        "slot": slot,
        "format": call._(words.FORMATS[slot.format]),
        "advertisers": apps.advertisers(desk),
        "currency": desk.settings.currency,
        "written": written(PLACEMENT, slot) | dict(typed or {}),
        "errors": errors or {},
    }
    return Html("partners/placement.html", values, 422 if errors else 200)


def save_placement(desk: Desk, call: Call) -> Html | See:
    """Takes the form of a placement."""
    app = _app(desk, call)
    slot = apps.placement_of(desk, app, call.params["placement_id"])
    given = given_of(call)
    try:
        apps.edit_placement(desk, slot, call.identity, given, call.now)
    except CatalogError as error:
        return _placement_page(desk, call, app, slot, given, apps.errors_of(call, error))
    return See(f"{base_path(call)}/apps/{app.app_id}", call._(N_("The placement was changed.")))


def archive_placement(desk: Desk, call: Call) -> See:
    """Takes a placement out of use, or back into it."""
    app = _app(desk, call)
    slot = apps.placement_of(desk, app, call.params["placement_id"])
    apps.archive_placement(desk, slot, call.identity, call.now, active=not slot.active)
    gone = call._(N_("The placement is archived: it gets no ads."))
    back = call._(N_("The placement is in use again."))
    return See(f"{base_path(call)}/apps/{app.app_id}", gone if slot.active else back)


def check(desk: Desk, call: Call) -> Html:
    """The integration check of an app."""
    app = _app(desk, call)
    found = integration.check_of(desk, app, call.now)
    values = {
        "base": base_path(call),
        "here": f"{base_path(call)}/apps/{app.app_id}",
        "app": app,
        "check": found,
        "advice": integration.advice(found, call._),
        "requests": [(one, integration.outcome_in_words(one, call._)) for one in found.requests],
        "refusals": [
            (integration.moment_of(one), one, integration.refusal_in_words(one, call._))
            for one in found.refusals or ()
        ],
        "preview": f"{desk.settings.base_url}/preview?key={apps.key_of(desk, app)}",
    }
    return Html("partners/integration.html", values)
