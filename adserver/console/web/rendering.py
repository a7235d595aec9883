"""Templates to pages: Jinja2 with escaping on, unknown names refused, texts in the reader's tongue.

Never here: routes, sessions. The one surprising fact: in templates `_("... %(name)s", name=value)`
fills in the values itself and escapes them; only such a text writes a literal per cent as `%%`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, partial
from typing import Any

from babel.support import Translations
from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from adserver.console.web import figures, language
from adserver.console.web.assets import address
from adserver.console.web.error_words import error_words
from adserver.console.web.exchange import Call

THEMES = ("auto", "light", "dark")
THEME_COOKIE = "adunion_theme"


@dataclass(frozen=True, slots=True)
class MenuLink:
    """A line of the menu, already in the reader's language. `group` is the heading it is under."""

    href: str
    title: str
    current: bool = False
    group: str = ""


def render(
    template: str,
    values: Mapping[str, Any],
    call: Call,
    *,
    menu: Sequence[MenuLink] = (),
    csrf: Markup | None = None,
    notice: str = "",
) -> str:
    """A template of `console/templates` as HTML, in `call.language` and `call.zone`.

    `csrf` is the hidden input of every form; `notice` is shown once on top, translated here.

    Raises:
        TemplateError: the template is missing or uses a name that nobody gave; a bug.
    """
    environment = environment_for(call.language)
    shared = {
        "call": call,
        "who": call.who,
        "menu": menu,
        "csrf": csrf or Markup(""),
        "notice": language.say(call.language, notice),
        "theme": _theme(call),
    }
    return environment.get_template(template).render({**values, **shared})


@cache
def environment_for(tongue: str) -> Environment:
    """The templates with the texts of one language."""
    environment = Environment(
        loader=PackageLoader("adserver.console", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.newstyle_gettext = True  # type: ignore[attr-defined]  # the extension's own
    environment.globals |= {
        "static": address,
        "lang": language.TAGS.get(tongue, tongue),
        "error_words": partial(error_words, tongue),
        **_texts(language.translations(tongue)),
    }
    environment.filters |= {
        "micros": figures.micros,
        "minor": figures.minor,
        "number": figures.number,
        "percent": figures.percent,
        "bytes": figures.size,
        "instant": _instant,
        "day": _day,
    }
    return environment


def _texts(said: Translations) -> dict[str, Callable[..., str]]:
    """The texts of a template: what stands in a trans block may hold markup, `_` never does."""

    def gettext(text: str, **values: Any) -> Markup:
        return _filled(Markup(said.gettext(text)), values)  # noqa: S704 - a template's own

    def ngettext(one: str, many: str, num: int, **values: Any) -> Markup:
        text = Markup(said.ngettext(one, many, num))  # noqa: S704 - a template's own
        return _filled(text, {"num": num, **values})

    def plain(text: str, **values: Any) -> str:
        found = said.gettext(text) if text else ""
        return _filled(escape(found), values) if values else found

    return {"gettext": gettext, "ngettext": ngettext, "_": plain}


def _filled(text: Markup, values: Mapping[str, Any]) -> Markup:
    """A trans block doubles its per cent signs, whether anything is filled in or not."""
    return text % values if values else text.replace("%%", "%")


@pass_context
def _instant(context: Context, value: datetime | None) -> Markup | str:
    if value is None:
        return figures.NOTHING
    shown = figures.instant(value, context["call"].zone)
    return Markup('<time datetime="{}">{}</time>').format(value.isoformat(), shown)


@pass_context
def _day(context: Context, value: date | datetime | None) -> str:
    return figures.day(value, context["call"].zone)


def _theme(call: Call) -> str:
    picked = call.cookies.get(THEME_COOKIE, "")
    return picked if picked in THEMES else THEMES[0]
