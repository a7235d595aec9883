"""What goes wrong at the door, as RFC 9457 problem documents.

Endpoints raise a `Problem`; `api.routes` alone turns it into bytes. Never here: failures of our own
making, which are 500 and an alarm. The one surprising fact: `field` is a JSON pointer (RFC 6901)
into the body that was sent.
"""

from http import HTTPStatus

import msgspec

from adserver.api.exchange import Answer

PROBLEM_JSON = "application/problem+json"
NO_TYPE = "about:blank"  # RFC 9457: the status says it all


class ProblemDocument(msgspec.Struct):
    """The body of every error. `field` points into the request's body, where that is at fault."""

    type: str
    title: str
    status: int
    detail: str
    field: str | msgspec.UnsetType = msgspec.UNSET


class Problem(Exception):  # noqa: N818 - the word of RFC 9457; each subclass names its error
    """A refusal that the sender can read: status, one sentence, the field at fault, headers."""

    status = HTTPStatus.BAD_REQUEST

    def __init__(
        self, detail: str, field: str = "", headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field
        self.headers = headers

    def answer(self) -> Answer:
        """The response that tells it."""
        return problem_answer(self.status, self.detail, self.field, self.headers)


class BadRequestError(Problem):
    """The bytes are not what the endpoint takes."""


class UnauthorizedError(Problem):
    """No key, or one that nobody has."""

    status = HTTPStatus.UNAUTHORIZED


class ForbiddenError(Problem):
    """The key is known and may not do this."""

    status = HTTPStatus.FORBIDDEN


class NotFoundError(Problem):
    """Nothing lives there."""

    status = HTTPStatus.NOT_FOUND


class MethodNotAllowedError(Problem):
    """The path exists, for other methods, named in the Allow header."""

    status = HTTPStatus.METHOD_NOT_ALLOWED


class TooLargeError(Problem):
    """More bytes than `ADUNION_MAX_BODY_BYTES`."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class UnsupportedMediaTypeError(Problem):
    """Not JSON in UTF-8, or compressed."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class UnprocessableError(Problem):
    """Well-formed, and refused by a rule, which the detail names."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class UnavailableError(Problem):
    """Not now: no snapshot is loaded yet, or the outbox is full."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


_encoder = msgspec.json.Encoder()


def problem_answer(
    status: HTTPStatus, detail: str, field: str = "", headers: tuple[tuple[str, str], ...] = ()
) -> Answer:
    """A problem document as a response. `detail` must not repeat bytes of the sender unescaped."""
    pointer = field or msgspec.UNSET
    plain = "".join([detail])  # a kind of str as its text; JSON is made of nothing else
    document = ProblemDocument(NO_TYPE, status.phrase, status.value, plain, pointer)
    return Answer(status.value, _encoder.encode(document), PROBLEM_JSON, headers)
