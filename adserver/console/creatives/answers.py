"""What REST takes and answers about files and creatives.

Never here: how it is found.
"""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from adserver.config import Settings
from adserver.console.creatives.saving import version_of
from adserver.stores.creative_reviews import Entry
from adserver.stores.media_files import Upload
from models.domain.campaign import Creative

Id = Annotated[str, Meta(max_length=64)]
Hash = Annotated[str, Meta(max_length=64)]
Line = Annotated[str, Meta(max_length=200)]
Url = Annotated[str, Meta(max_length=2048)]
Text = Annotated[str, Meta(max_length=1000)]
Declarations = Annotated[list[Annotated[str, Meta(max_length=32)]], Meta(max_length=10)]


class FileOut(Struct):
    """A file of the library. `cleaned` names what was taken out of it."""

    sha256: str
    url: str
    name: str
    mime: str
    w: int
    h: int
    bytes: int
    duration_ms: int
    frames: int
    cleaned: list[str]
    uploaded_at: datetime


class AssetShown(Struct):
    """A file of a creative and what it is for: image, video, poster or icon."""

    role: str
    url: str
    w: int
    h: int
    mime: str
    bytes: int
    sha256: str


class CreativeOut(Struct):
    """A creative. `review` is pending, approved or rejected; `version` changes with its content."""

    creative_id: str
    line_item_id: str
    format: str
    w: int
    h: int
    landing_url: str
    landing_kind: str
    fallback_url: str
    title: str
    description: str
    cta: str
    duration_ms: int
    assets: list[AssetShown]
    review: str
    active: bool
    version: str


class NewCreative(Struct):
    """A creative to be made. `file` and `icon` are hashes of files of the library.

    A splash ad declares label_area_free and no_fake_close.
    """

    line_item_id: Id
    format: Annotated[str, Meta(max_length=32)]
    file: Hash
    landing_url: Url
    icon: Hash = ""
    landing_kind: Annotated[str, Meta(max_length=16)] = "web"
    fallback_url: Url = ""
    title: Line = ""
    description: Text = ""
    cta: Annotated[str, Meta(max_length=50)] = ""
    declared: Declarations = []


class CreativeChange(Struct):
    """What is to be changed of a creative; what is left out stays. It waits for review again."""

    line_item_id: Id | None = None
    file: Hash | None = None
    icon: Hash | None = None
    landing_url: Url | None = None
    landing_kind: Annotated[str, Meta(max_length=16)] | None = None
    fallback_url: Url | None = None
    title: Line | None = None
    description: Text | None = None
    cta: Annotated[str, Meta(max_length=50)] | None = None
    declared: Declarations = []


class ReviewOut(Struct):
    """A line of a creative's story; pending: it was handed in."""

    number: int
    at: datetime
    verdict: str
    reason: str
    words: str
    declared: list[str]


class BulkOut(Struct):
    """The creatives that a bulk upload made."""

    creatives: list[CreativeOut]


class WaitingOut(Struct):
    """A creative that waits for review; a verdict names its version."""

    advertiser_id: str
    version: str
    creative: CreativeOut
    declared: list[str]
    handed_in_at: datetime | None


class VerdictIn(Struct):
    """A verdict on a creative as it was seen. A rejection has a reason, "other" has words."""

    verdict: Literal["approved", "rejected"]
    version: Annotated[str, Meta(max_length=32)]
    reason: Annotated[str, Meta(max_length=32)] = ""
    words: Text = ""


def file_out(settings: Settings, upload: Upload) -> FileOut:
    """A file of the library."""
    file = upload.file
    url = f"{settings.media_base_url}/{file.sha256}.{file.extension}"
    return FileOut(
        file.sha256, url, upload.name, file.mime, file.w, file.h, file.bytes, file.duration_ms,
        file.frames, list(upload.cleaned), upload.uploaded_at,
    )  # fmt: skip


def creative_out(creative: Creative) -> CreativeOut:
    """A creative."""
    assets = [
        AssetShown(one.role, one.url, one.w, one.h, one.mime, one.bytes, one.sha256)
        for one in creative.assets
    ]
    return CreativeOut(
        creative.creative_id, creative.line_item_id, creative.format, creative.w, creative.h,
        creative.landing_url, creative.landing_kind, creative.fallback_url, creative.title,
        creative.description, creative.cta, creative.duration_ms, assets, creative.review,
        creative.active, version_of(creative),
    )  # fmt: skip


def review_out(entry: Entry) -> ReviewOut:
    """A line of a creative's story; who decided is the house's own affair."""
    said = entry.said
    return ReviewOut(
        entry.number, entry.at, said.verdict, said.reason, said.words, list(said.declared)
    )
