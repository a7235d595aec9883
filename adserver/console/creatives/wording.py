"""Verdicts, misfits and reviews in words, for both languages.

Never here: a decision. The one surprising fact: sentences have gaps such as %(most)s, filled after
translation from what the decoder said; numbers of bytes are written for people here.
"""

from collections.abc import Callable, Mapping

from adserver.console.web.figures import size
from adserver.console.web.language import N_
from adserver.media.specs import SPECS, Measures, Misfit, Slots
from adserver.media.verdict import Cleaned, FileKind, Reason, Refused
from models.domain.campaign import LandingKind, Review
from models.domain.placement import Format

Say = Callable[[str], str]

FORMATS = {
    Format.SPLASH: N_("Splash"),
    Format.BANNER: N_("Banner"),
    Format.NATIVE: N_("Native"),
    Format.INTERSTITIAL: N_("Interstitial"),
    Format.REWARDED_VIDEO: N_("Rewarded video"),
}
REVIEWS = {
    Review.PENDING: N_("Waits for review"),
    Review.APPROVED: N_("Approved"),
    Review.REJECTED: N_("Rejected"),
}
REVIEW_BADGES = {Review.PENDING: "warn", Review.APPROVED: "ok", Review.REJECTED: "bad"}
LANDINGS = {
    LandingKind.WEB: N_("A web page"),
    LandingKind.DEEPLINK: N_("An app, by a deep link"),
    LandingKind.DOWNLOAD: N_("A download"),
}
KINDS = {
    FileKind.PNG: "PNG",
    FileKind.JPEG: "JPEG",
    FileKind.WEBP: "WebP",
    FileKind.GIF: "GIF",
    FileKind.MP4: "MP4",
}
REASONS = {
    Reason.EMPTY: N_("The file is empty."),
    Reason.UNKNOWN_TYPE: N_("This is no PNG, JPEG, WebP, GIF or MP4. Export it as one of them."),
    Reason.SVG: N_("SVG pictures can hold scripts and are not taken. Export it as PNG or WebP."),
    Reason.HTML: N_("This is a web page, not a picture or film."),
    Reason.ARCHIVE: N_("This is an archive. Use the bulk upload for ZIP files with a CSV."),
    Reason.QUICKTIME: N_("This is a QuickTime film. Export it as MP4 with H.264."),
    Reason.WRONG_EXTENSION: N_(
        "Its name ends in %(extension)s, but it is a %(kind)s. Give it the right ending."
    ),
    Reason.TWO_THINGS: N_(
        "Beside the picture it holds %(what)s. Export it again from the program it was made with."
    ),
    Reason.TOO_MANY_BYTES: N_("It has %(bytes)s; at most %(most)s are taken."),
    Reason.TOO_MANY_PIXELS: N_(
        "It measures %(w)s x %(h)s; at most %(side)s a side and %(most)s in all are taken."
    ),
    Reason.TOO_FEW_PIXELS: N_("It measures %(w)s x %(h)s; each side has at least %(least)s."),
    Reason.TOO_MANY_FRAMES: N_(
        "It has %(frames)s frames; at this size at most %(most)s are taken."
    ),
    Reason.TOO_LONG: N_("It runs for %(seconds)s seconds; at most %(most)s are taken."),
    Reason.ANIMATED_PNG: N_("Animated PNG is not shown by all phones. Use GIF or WebP."),
    Reason.BROKEN: N_("It cannot be decoded: it is broken, or ends too early."),
    Reason.TOO_SLOW: N_("Decoding it takes too long. Export it again, simpler."),
    Reason.TOO_MUCH_MEMORY: N_("Decoding it takes too much memory. Export it smaller."),
    Reason.GREW: N_("Written anew it has %(bytes)s, more than %(most)s. Export it smaller."),
    Reason.VIDEO_CODEC: N_("Its pictures are %(codec)s; phones play H.264 with yuv420p."),
    Reason.AUDIO_CODEC: N_("Its sound is %(codec)s; phones play AAC."),
    Reason.NO_PICTURES: N_("There are no pictures in this film."),
    Reason.STREAMS: N_("It has several tracks of pictures or sound; leave one of each."),
    Reason.ROTATED: N_("It is turned by a mark in the file. Export it upright."),
    Reason.FRAME_RATE: N_("It has %(rate)s pictures a second; at most %(most)s are taken."),
    Reason.ZIP_BROKEN: N_("This is no ZIP archive that can be opened."),
    Reason.ZIP_FILES: N_("The archive holds %(files)s files; 1 to %(most)s are taken."),
    Reason.ZIP_BYTES: N_("Unpacked it has more than %(most)s."),
    Reason.ZIP_NAME: N_("The name %(name)s in the archive leads out of it, or cannot be shown."),
    Reason.ZIP_LINK: N_("%(name)s in the archive is a link, not a file."),
    Reason.ZIP_ENCRYPTED: N_("%(name)s in the archive asks for a password."),
    Reason.ZIP_TWICE: N_("The name %(name)s is twice in the archive."),
    Reason.ZIP_METHOD: N_("%(name)s is packed in a way that is not taken; use plain ZIP."),
    Reason.BUSY: N_("Others are uploading at the moment. Try again in a minute."),
    Reason.QUOTA: N_("Your library is full: %(most)s. Files that no creative uses go after a day."),
    Reason.TOO_MANY_FILES: N_("At most %(most)s files are taken at once; this one was left out."),
}
CLEANED = {
    Cleaned.GPS: N_("the place where it was taken"),
    Cleaned.EXIF: N_("camera data"),
    Cleaned.XMP: N_("editing history"),
    Cleaned.COLOURS: N_("its colour profile (turned into sRGB)"),
    Cleaned.WORDS: N_("comments and texts"),
    Cleaned.TURNED: N_("the turning mark (it stands upright now)"),
    Cleaned.TRAILING: N_("data after its end"),
    Cleaned.STREAMS: N_("further tracks"),
}
MISFITS = {
    Misfit.KIND: N_("this format takes %(kinds)s"),
    Misfit.SMALL: N_("it is %(w)s x %(h)s, smaller than %(least)s"),
    Misfit.SHAPE: N_("it must be higher than wide"),
    Misfit.BYTES: N_("it has %(bytes)s, more than %(most)s"),
    Misfit.SHORT: N_("it runs for %(seconds)s s, less than %(least_s)s s"),
    Misfit.LONG: N_("it runs for %(seconds)s s, more than %(most_s)s s"),
    Misfit.SLOT: N_("it is %(w)s x %(h)s; slots are %(slots)s, or the same up to 4 times as large"),
    Misfit.NOT_SQUARE: N_("an icon is as wide as high"),
}
REJECTIONS = {
    "misleading": N_("It promises what the landing page does not keep"),
    "forbidden": N_("What it advertises is not allowed here"),
    "offensive": N_("It is offensive, or not fit for all ages"),
    "claims": N_("Unproven or absolute claims, such as best or number one"),
    "rights": N_("It uses brands or people without showing the right to"),
    "quality": N_("It is blurred, cropped or unreadable"),
    "label_area": N_("The area of the ad label is covered"),
    "fake_close": N_("It shows a button that seems to close it, or to be of the system"),
    "landing": N_("The landing page does not open, or is not safe"),
    "other": N_("Another reason, in words"),
}
DECLARATIONS = {
    "label_area_free": N_("The top left corner is free for the ad label"),
    "no_fake_close": N_("It shows no close button and nothing that looks like one"),
}
_BYTES = ("bytes", "most")


def refusal_in_words(refused: Refused, say: Say) -> str:
    """Why a file was refused, as one sentence."""
    details = dict(refused.details)
    if refused.reason in {Reason.TOO_MANY_BYTES, Reason.GREW, Reason.ZIP_BYTES, Reason.QUOTA}:
        details |= {name: size(int(details[name])) for name in _BYTES if name in details}
    return filled(say(REASONS[refused.reason]), details)


def filled(sentence: str, details: Mapping[str, str]) -> str:
    """The sentence with its gaps filled; a gap that nobody fills shows "?"."""
    return sentence % _Gaps(details)


class _Gaps(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "?"


def cleaned_in_words(cleaned: tuple[str, ...], say: Say) -> list[str]:
    """What was taken out of a file."""
    return [say(CLEANED[Cleaned(one)]) for one in cleaned if one in set(Cleaned)]


def misfit_in_words(why: Misfit, file: Measures, form: Format, slots: Slots, say: Say) -> str:
    """Why a file does not fit a format, to stand behind the format's name."""
    spec = SPECS[form]
    most = spec.film_bytes if file.kind is FileKind.MP4 else spec.picture_bytes
    details = {
        "kinds": ", ".join(name for kind, name in KINDS.items() if kind in spec.kinds),
        "w": str(file.w),
        "h": str(file.h),
        "least": f"{spec.least[0]} x {spec.least[1]}",
        "bytes": size(file.bytes),
        "most": size(most),
        "seconds": str(-(-file.duration_ms // 1000)),
        "least_s": str(spec.least_ms // 1000),
        "most_s": str(spec.most_ms // 1000),
        "slots": ", ".join(f"{w} x {h}" for w, h in slots.sizes[:8]),
    }
    return filled(say(MISFITS[why]), details)
