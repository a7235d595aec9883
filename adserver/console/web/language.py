"""What the console says, in English and Chinese: catalogues read once at start from .po files.

Never here: the texts. English is what stands in templates and in `N_`; each area has its Chinese
catalogue in `console/locale/zh/<area>.po`. The one surprising fact: nothing is compiled to .mo
files on disk, so a changed .po counts at the next start.
"""

from collections.abc import Mapping
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.core import negotiate_locale
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

from adserver.accounts.identity import Identity
from adserver.console.web.exchange import LANGUAGES
from adserver.marketplace.problem import Sentence

LOCALE = Path(__file__).parents[1] / "locale"
COOKIE = "adunion_language"
TAGS = {"en": "en", "zh": "zh-CN"}
"""What the html element says."""

_FIRST = LANGUAGES[0]


def N_(text: str) -> str:  # noqa: N802 - the name that gettext's tools look for
    """Marks a text for translation where it stands; `call._` or a template says it later."""
    return text


@cache
def translations(language: str) -> Translations:
    """All catalogues of a language in one; where two areas translate a text, the first wins."""
    files = sorted((LOCALE / language).glob("*.po"))
    merged = Catalog(locale=language if files else None)
    for file in files:
        for message in read_catalogue(file, language):
            if message.id and message.string and message.id not in merged:
                merged.add(message.id, message.string)
    compiled = BytesIO()
    write_mo(compiled, merged)
    compiled.seek(0)
    return Translations(compiled)


def read_catalogue(file: Path, language: str) -> Catalog:
    """One area's .po file.

    Raises:
        PoFileError: it is not one; said at start, never to a visitor.
    """
    with file.open("rb") as opened:
        return read_po(opened, locale=language, abort_invalid=True)


def say(language: str, text: str) -> str:
    """A text in a language; as it stands where nobody translated it.

    A `Sentence` is filled in afterwards; so are those among its values.
    """
    if isinstance(text, Sentence):
        values = {
            name: say(language, value) if isinstance(value, Sentence) else value
            for name, value in text.values.items()
        }
        return translations(language).gettext(text.template) % values
    return translations(language).gettext(text) if text else ""


def chosen(cookies: Mapping[str, str], accept_language: str, who: Identity | None) -> str:
    """The language to answer in: what the visitor picked, the organisation's, the browser's."""
    picked = cookies.get(COOKIE, "")
    if picked in LANGUAGES:
        return picked
    if who is not None and who.language in LANGUAGES:
        return who.language
    wanted = [part.partition(";")[0].strip() for part in accept_language.split(",")]
    primary = [tag.partition("-")[0].lower() for tag in wanted if tag]
    return negotiate_locale(primary, LANGUAGES) or _FIRST
