"""What came over the socket: addresses, cookies, and forms read onto disk piece by piece.

Never here: who sent it. The one surprising fact: a multipart body is read only after its sender was
let in, so that strangers cannot fill the disk.
"""

import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast
from urllib.parse import parse_qsl

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import BadHttpMessage
from multidict import MultiDict

from adserver.api.problems import BadRequestError, TooLargeError, UnsupportedMediaTypeError
from adserver.console.web.exchange import Upload

FORM_BYTES = 1_048_576
MOST_FIELDS = 2_000
PIECE_BYTES = 65_536
URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form and the files that came with it."""

    fields: MultiDict[str] = field(default_factory=MultiDict)
    files: dict[str, tuple[Upload, ...]] = field(default_factory=dict)


@asynccontextmanager
async def read_form(request: web.Request, upload_bytes: int) -> AsyncIterator[Form]:
    """The form of a request; its files are on disk while the context is open.

    Raises:
        Problem: not a form (415), too large (413), broken (400).
    """
    if request.content_type == MULTIPART and upload_bytes:
        directory = Path(tempfile.mkdtemp(prefix="adunion-upload-"))
        try:
            yield await _multipart(request, directory, upload_bytes)
        finally:
            shutil.rmtree(directory, ignore_errors=True)
        return
    yield Form(_fields(await read_body(request, FORM_BYTES), request.content_type))


async def read_body(request: web.Request, most_bytes: int) -> bytes:
    """The whole body.

    Raises:
        TooLargeError: more than `most_bytes`.
    """
    refusal = TooLargeError(f"at most {most_bytes:,} bytes are taken here")
    if (request.content_length or 0) > most_bytes:
        raise refusal
    body = bytearray()
    async for piece in request.content.iter_chunked(PIECE_BYTES):
        body += piece
        if len(body) > most_bytes:
            raise refusal
    return bytes(body)


def readable(text: str) -> str:
    """The text, if every engine of ours can keep it.

    Raises:
        BadRequestError: it holds a NUL or half of a character.
    """
    if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise BadRequestError("text must be whole Unicode without NUL")
    return text


def _fields(body: bytes, content_type: str) -> MultiDict[str]:
    if not body:
        return MultiDict()
    if content_type != URLENCODED:
        raise UnsupportedMediaTypeError(f"forms are sent as {URLENCODED}")
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except ValueError:
        raise BadRequestError("this is not a form in UTF-8, or has too many fields") from None
    return MultiDict((readable(name), readable(value)) for name, value in pairs)


async def _multipart(request: web.Request, directory: Path, most_bytes: int) -> Form:
    if (request.content_length or 0) > most_bytes:
        raise TooLargeError(f"at most {most_bytes:,} bytes are taken here")
    form = Form()
    budget = most_bytes
    count = 0
    try:
        async for part in await request.multipart():
            count += 1
            if count > MOST_FIELDS or not isinstance(part, BodyPartReader) or not part.name:
                raise BadRequestError("a form has named parts, and not thousands")
            if part.filename is None:
                text = await _text(part)
                form.fields.add(readable(part.name), text)
                budget -= len(text)
            else:
                upload = await _kept(part, directory / str(count), budget, most_bytes)
                budget -= upload.size
                if upload.name or upload.size:  # an empty file input sends an empty part
                    form.files[part.name] = (*form.files.get(part.name, ()), upload)
    except (ValueError, RuntimeError, LookupError, BadHttpMessage) as error:
        raise BadRequestError("this multipart form is broken") from error
    return form


async def _text(part: BodyPartReader) -> str:
    body = bytearray()
    while piece := await part.read_chunk(PIECE_BYTES):
        body += piece
        if len(body) > FORM_BYTES:
            raise TooLargeError(f"a field has at most {FORM_BYTES:,} bytes")
    return readable(body.decode("utf-8"))


async def _kept(part: BodyPartReader, path: Path, budget: int, most_bytes: int) -> Upload:
    size = 0
    with path.open("wb") as file:
        while piece := await part.read_chunk(PIECE_BYTES):
            size += len(piece)
            if size > budget:
                raise TooLargeError(f"at most {most_bytes:,} bytes are taken here")
            file.write(piece)
    return Upload(readable(cast("str", part.filename))[:255], path, size)
