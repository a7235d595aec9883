"""A creative as somebody wants it, held against what the format and its slots take.

Never here: saving. The one surprising fact: pages, REST and bulk upload all come through `built`,
so a rule of a format stands here once; rules of single fields are the catalog's own.
"""

from dataclasses import dataclass, replace

from adserver.console.creatives.owned import Market
from adserver.console.creatives.wording import (
    DECLARATIONS,
    MISFITS,
    Say,
    filled,
    misfit_in_words,
)
from adserver.console.web.language import N_
from adserver.marketplace import rules
from adserver.marketplace.kinds import KINDS
from adserver.marketplace.problem import CatalogError, Problem
from adserver.media.specs import Measures, icon_misfit, misfit, slot_for
from adserver.media.verdict import FileKind
from adserver.stores.catalog import make_id
from adserver.stores.media_files import MediaFile
from models.domain.campaign import Asset, Creative, LandingKind, Review
from models.domain.ids import CreativeId, LineItemId
from models.domain.placement import Format

STILL_MS = 5_000
POSTER, ICON, IMAGE, VIDEO = "poster", "icon", "image", "video"


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a creative: its picture or film, the film's poster, an icon."""

    main: MediaFile | None = None
    icon: MediaFile | None = None
    poster: MediaFile | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """What was typed. `declared` are names of `DECLARATIONS`."""

    line_item_id: str = ""
    form: str = ""
    landing_url: str = ""
    landing_kind: str = LandingKind.WEB
    fallback_url: str = ""
    title: str = ""
    description: str = ""
    cta: str = ""
    declared: tuple[str, ...] = ()


def measures_of(file: MediaFile) -> Measures:
    """What counts of a file of the library."""
    return Measures(FileKind(file.extension), file.w, file.h, file.bytes, file.duration_ms)


def problems_of(
    draft: Draft, measures: Measures | None, market: Market, say: Say, before: Creative | None
) -> list[Problem]:
    """What is wrong with a draft beside its single fields; `measures` None: no new picture."""
    found = [*_of_line_item(draft, market, before)]
    try:
        form = Format(draft.form)
    except ValueError:
        return [*found, _problem("format", N_("choose a format"))]
    if draft.landing_kind not in set(LandingKind):
        found.append(_problem("landing_kind", N_("choose what a tap opens")))
    if measures is None and (before is None or before.format is not form):
        found.append(_problem("file", N_("choose a file")))
    elif measures is not None and (why := misfit(measures, form, market.slots[form])) is not None:
        words = misfit_in_words(why, measures, form, market.slots[form], say)
        found.append(_problem("file", words))
    if form is Format.NATIVE and not draft.title.strip():
        found.append(_problem("title", N_("a native ad needs a headline")))
    if form is Format.SPLASH and set(draft.declared) != set(DECLARATIONS):
        found.append(_problem("declared", N_("a splash ad needs both declarations")))
    return found


def built(
    draft: Draft, files: Files, market: Market, say: Say, before: Creative | None = None
) -> Creative:
    """The creative that a draft asks for.

    Raises:
        CatalogError: with everything that is wrong with it.
    """
    measures = measures_of(files.main) if files.main else None
    problems = problems_of(draft, measures, market, say, before)
    if files.icon is not None and (why := icon_misfit(measures_of(files.icon))) is not None:
        problems.append(_problem("icon", filled(say(MISFITS[why]), {"kinds": "PNG, JPEG, WebP"})))
    if problems:
        raise CatalogError(*problems)
    creative = _filled(draft, before)
    if measures is not None:
        creative = _with_file(creative, measures, market)
    rules.require_sound(rules.problems_of(creative, lambda *_: True))
    return creative


def with_assets(creative: Creative, files: Files, media_url: str) -> Creative:
    """The creative with its files; without a main file it keeps those it has, but for the icon."""
    if files.main is None:
        kept = tuple(one for one in creative.assets if files.icon is None or one.role != ICON)
        icons = () if files.icon is None else (_asset(ICON, files.icon, media_url),)
        return replace(creative, assets=kept + icons)
    role = VIDEO if files.main.extension == FileKind.MP4 else IMAGE
    chosen = ((role, files.main), (POSTER, files.poster), (ICON, files.icon))
    assets = tuple(_asset(name, file, media_url) for name, file in chosen if file is not None)
    return replace(creative, assets=assets)


def _asset(role: str, file: MediaFile, media_url: str) -> Asset:
    url = f"{media_url}/{file.sha256}.{file.extension}"
    return Asset(role, url, file.w, file.h, file.mime, file.bytes, file.sha256)


def _filled(draft: Draft, before: Creative | None) -> Creative:
    values = {
        "line_item_id": LineItemId(draft.line_item_id),
        "format": Format(draft.form),
        "landing_url": draft.landing_url.strip(),
        "landing_kind": LandingKind(draft.landing_kind),
        "fallback_url": draft.fallback_url.strip(),
        "title": draft.title.strip(),
        "description": draft.description.replace("\r\n", "\n").strip(),
        "cta": draft.cta.strip(),
    }
    if before is not None:
        return replace(before, **values)  # type: ignore[arg-type]
    made = CreativeId(make_id(KINDS["creative"]))
    return Creative(creative_id=made, review=Review.PENDING, **values)  # type: ignore[arg-type]


def _with_file(creative: Creative, measures: Measures, market: Market) -> Creative:
    slot = slot_for(measures, market.slots[creative.format])
    w, h = slot if slot is not None else (measures.w, measures.h)
    return replace(creative, w=w, h=h, duration_ms=measures.duration_ms or STILL_MS)


def _of_line_item(draft: Draft, market: Market, before: Creative | None) -> list[Problem]:
    known = {one.line_item_id for one in market.line_items()}
    stays = before is not None and before.line_item_id == draft.line_item_id
    if stays or draft.line_item_id in known:
        return []
    return [_problem("line_item_id", N_("choose a line item"))]


def _problem(field: str, message: str) -> Problem:
    return Problem("", "", field, message)
