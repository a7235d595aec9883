"""What came over the socket: addresses, cookies, and forms read onto disk piece by piece.

Never here: who sent it. The one surprising fact: a multipart body is read only after its sender was
let in, so that strangers cannot fill the disk.
"""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qsl

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import BadHttpMessage
from multidict import MultiDict

from adserver.api.problems import BadRequestError, Problem, TooLargeError, UnsupportedMediaTypeError
from adserver.console.web.exchange import Upload

FORM_BYTES = 1_048_576
MOST_FIELDS = 2_000
PIECE_BYTES = 65_536
LONGEST_FILE_NAME = 255
URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
BROKEN = "the body of this call is broken"
_BROKEN = (web.RequestPayloadError, ConnectionError)
BODY_S, UPLOAD_S = 60.0, 900.0
"""How long a body may take; a connection that says nothing more is not waited for."""


class TooSlowError(Problem):
    """The body did not come in time."""

    status = HTTPStatus.REQUEST_TIMEOUT


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form and the files that came with it."""

    fields: MultiDict[str] = field(default_factory=MultiDict)
    files: dict[str, tuple[Upload, ...]] = field(default_factory=dict)


@asynccontextmanager
async def read_form(request: web.Request, upload_bytes: int) -> AsyncIterator[Form]:
    """The form of a request; its files are on disk while the context is open.

    Raises:
        Problem: not a form (415), too large (413), broken (400), too slow (408).
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
        Problem: more than `most_bytes` (413), packed (415), cut off (400), too slow (408).
    """
    refusal = TooLargeError(f"at most {most_bytes:,} bytes are taken here")
    require_unpacked(request)
    if (request.content_length or 0) > most_bytes:
        raise refusal
    body = bytearray()
    async with _patience(BODY_S):
        async for piece in request.content.iter_chunked(PIECE_BYTES):
            body += piece
            if len(body) > most_bytes:
                raise refusal
    return bytes(body)


def require_unpacked(request: web.Request) -> None:
    """Returns when the body is as long as it looks.

    Raises:
        UnsupportedMediaTypeError: it was packed, and might grow.
    """
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMediaTypeError("send the body as it is, without Content-Encoding")


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
    require_unpacked(request)
    if (request.content_length or 0) > most_bytes:
        raise TooLargeError(f"at most {most_bytes:,} bytes are taken here")
    taking = _Taking(directory, most_bytes)
    async with _patience(UPLOAD_S):
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader) or not part.name:
                raise BadRequestError("every part of a form has a name")
            await taking.take(part, readable(part.name))
    return taking.form


@asynccontextmanager
async def _patience(seconds: float) -> AsyncIterator[None]:
    """Waits so long for a body; one that is broken, or whose sender has gone, is refused."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise TooSlowError(f"a body comes within {seconds:.0f} seconds") from None
    except (ValueError, RuntimeError, LookupError, BadHttpMessage, *_BROKEN) as error:
        raise BadRequestError(BROKEN) from error


class _Taking:
    """A multipart form while it comes: texts in memory, files on disk, both within limits."""

    def __init__(self, directory: Path, most_bytes: int) -> None:
        self.form = Form()
        self._directory = directory
        self._most_bytes = most_bytes
        self._file_bytes = self._text_bytes = self._parts = 0

    async def take(self, part: BodyPartReader, name: str) -> None:
        """Takes the next part."""
        self._parts += 1
        if self._parts > MOST_FIELDS:
            raise BadRequestError(f"a form has at most {MOST_FIELDS:,} fields")
        if part.filename is None:
            self.form.fields.add(name, await self._text(part))
            return
        upload = await self._kept(part, readable(part.filename)[:LONGEST_FILE_NAME])
        if upload.name or upload.size:  # an empty file input sends an empty part
            self.form.files[name] = (*self.form.files.get(name, ()), upload)

    async def _text(self, part: BodyPartReader) -> str:
        body = bytearray()
        while piece := await part.read_chunk(PIECE_BYTES):
            body += piece
            self._text_bytes += len(piece)
            if self._text_bytes > FORM_BYTES:
                raise TooLargeError(f"the fields of a form have at most {FORM_BYTES:,} bytes")
        return readable(body.decode("utf-8"))

    async def _kept(self, part: BodyPartReader, file_name: str) -> Upload:
        path = self._directory / str(self._parts)
        with path.open("wb") as file:
            while piece := await part.read_chunk(PIECE_BYTES):
                self._file_bytes += len(piece)
                if self._file_bytes > self._most_bytes:
                    raise TooLargeError(f"at most {self._most_bytes:,} bytes are taken here")
                file.write(piece)
            return Upload(file_name, path, file.tell())
