"""What was found out about an uploaded file: made anew, or refused with a reason.

Never here: words for people (`adserver.console.creatives.wording`), so that both languages have
them. The one surprising fact: a verdict comes from a child process that a file may have taken over,
so what it says is held against limits (`measured`) before it is believed.
"""

from enum import StrEnum

import msgspec


class FileKind(StrEnum):
    """What a file really is; the value is its extension."""

    PNG = "png"
    JPEG = "jpg"
    WEBP = "webp"
    GIF = "gif"
    MP4 = "mp4"

    @property
    def mime(self) -> str:
        """The content type under which it is served."""
        return MIMES[self]


MIMES = {
    FileKind.PNG: "image/png",
    FileKind.JPEG: "image/jpeg",
    FileKind.WEBP: "image/webp",
    FileKind.GIF: "image/gif",
    FileKind.MP4: "video/mp4",
}


class Reason(StrEnum):
    """Why a file is refused."""

    EMPTY = "empty"
    UNKNOWN_TYPE = "unknown_type"
    SVG = "svg"
    HTML = "html"
    ARCHIVE = "archive"
    QUICKTIME = "quicktime"
    WRONG_EXTENSION = "wrong_extension"
    TWO_THINGS = "two_things"
    TOO_MANY_BYTES = "too_many_bytes"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_FEW_PIXELS = "too_few_pixels"
    TOO_MANY_FRAMES = "too_many_frames"
    TOO_LONG = "too_long"
    ANIMATED_PNG = "animated_png"
    BROKEN = "broken"
    TOO_SLOW = "too_slow"
    TOO_MUCH_MEMORY = "too_much_memory"
    GREW = "grew"
    VIDEO_CODEC = "video_codec"
    AUDIO_CODEC = "audio_codec"
    NO_PICTURES = "no_pictures"
    STREAMS = "streams"
    ROTATED = "rotated"
    FRAME_RATE = "frame_rate"
    ZIP_BROKEN = "zip_broken"
    ZIP_FILES = "zip_files"
    ZIP_BYTES = "zip_bytes"
    ZIP_NAME = "zip_name"
    ZIP_LINK = "zip_link"
    ZIP_ENCRYPTED = "zip_encrypted"
    ZIP_TWICE = "zip_twice"
    ZIP_METHOD = "zip_method"
    BUSY = "busy"
    QUOTA = "quota"
    TOO_MANY_FILES = "too_many_files"


class Cleaned(StrEnum):
    """What was taken out of a file, or made right."""

    GPS = "gps"
    EXIF = "exif"
    XMP = "xmp"
    COLOURS = "colours"
    WORDS = "words"
    TURNED = "turned"
    TRAILING = "trailing"
    STREAMS = "streams"


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """Not taken. `details` fill the gaps of the reason's sentence."""

    reason: Reason
    details: dict[str, str] = {}


class Accepted(msgspec.Struct, frozen=True, tag="accepted"):
    """Made anew. `look` is a hash of what it looks like, "" where it would say nothing."""

    kind: FileKind
    w: int
    h: int
    duration_ms: int = 0
    frames: int = 1
    look: str = ""
    cleaned: tuple[Cleaned, ...] = ()


class Unpacked(msgspec.Struct, frozen=True, tag="unpacked"):
    """The files of an archive: their names there; the nth lies under the name "n"."""

    names: tuple[str, ...]


Verdict = Accepted | Refused | Unpacked


class RefusedFileError(Exception):
    """Raised inside the checks; `verdict` is what to answer."""

    def __init__(self, reason: Reason, **details: object) -> None:
        super().__init__(reason)
        self.verdict = Refused(reason, {name: str(value) for name, value in details.items()})
