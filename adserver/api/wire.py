"""The bytes of an ad request: parsed and checked once, here, into the domain's `AdRequest`.

Names and enums are OpenRTB 2.6's. Never here: whether the placement exists or who asks (`api.ads`).
The one surprising fact: of a user who opted out, what the request itself says about the person
(gender, year of birth, segments) is dropped at this door too; the key stays, for frequency caps.
"""

from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct

from adserver.api.exchange import Request
from adserver.api.problems import BadRequestError, UnsupportedMediaTypeError
from models.domain.ad_request import AdRequest
from models.domain.ids import UserKey
from models.domain.placement import App, Placement

MAX_ADS = 20

Id = Annotated[str, Meta(min_length=1, max_length=128)]
Text = Annotated[str, Meta(max_length=256)]
Long = Annotated[str, Meta(max_length=2_048)]
Flag = bool | Annotated[int, Meta(ge=0, le=1)]
Pixels = Annotated[int, Meta(ge=0, le=65_535)]
Year = Annotated[int, Meta(ge=0, le=2_100)]
DeviceType = Annotated[int, Meta(ge=0, le=8)]
ConnectionType = Annotated[int, Meta(ge=0, le=7)]


class Segment(Struct, frozen=True, gc=False):
    """One interest segment. Only decimal ids in 1..65535 mean something here."""

    id: Text = ""


class SegmentData(Struct, frozen=True, gc=False):
    """Segments of one data provider."""

    segment: Annotated[tuple[Segment, ...], Meta(max_length=64)] = ()


class UserExt(Struct, frozen=True, gc=False):
    """`personalized: 0` says that the user opted out of personalised ads."""

    personalized: Flag = True


class User(Struct, frozen=True, gc=False):
    """Who looks at the screen."""

    id: Text = ""
    gender: Annotated[str, Meta(max_length=8)] = ""
    yob: Year = 0
    data: Annotated[tuple[SegmentData, ...], Meta(max_length=16)] = ()
    ext: UserExt = UserExt()


class Geo(Struct, frozen=True, gc=False):
    """Where. `country` is ISO 3166-1 alpha-3."""

    country: Text = ""
    region: Text = ""
    city: Text = ""


class DeviceExt(Struct, frozen=True, gc=False):
    """`oaid` is the advertising id of Android in China."""

    oaid: Text = ""


class Device(Struct, frozen=True, gc=False):
    """What shows the ad. `lmt: 1` says that the user opted out of personalised ads."""

    os: Text = ""
    osv: Text = ""
    make: Text = ""
    model: Text = ""
    devicetype: DeviceType = 0
    connectiontype: ConnectionType = 0
    carrier: Text = ""
    language: Text = ""
    w: Pixels = 0
    h: Pixels = 0
    ua: Long = ""
    ip: Text = ""
    ifa: Text = ""
    lmt: Flag = False
    geo: Geo = Geo()
    ext: DeviceExt = DeviceExt()


class AppInfo(Struct, frozen=True, gc=False):
    """The app as it describes itself; the key in the header says which app it is."""

    bundle: Text = ""
    ver: Text = ""


class Regs(Struct, frozen=True, gc=False):
    """`coppa: 1` says that the user is a child: nothing personal is used."""

    coppa: Flag = False


class AdsRequest(Struct, frozen=True, gc=False):
    """The body of `POST /v1/ads`. Unknown fields are ignored; of a repeated key the last counts."""

    request_id: Id
    placement_id: Id
    count: Annotated[int, Meta(ge=1, le=MAX_ADS)] = 1
    user: User = User()
    device: Device = Device()
    geo: Geo = Geo()
    app: AppInfo = AppInfo()
    regs: Regs = Regs()
    test: Flag = False
    debug: Flag = False


Body = TypeVar("Body")
ads_request = msgspec.json.Decoder(AdsRequest)


def parse(request: Request, decoder: msgspec.json.Decoder[Body]) -> Body:
    """The body as the decoder's type.

    Raises:
        UnsupportedMediaTypeError: not declared as plain JSON in UTF-8.
        BadRequestError: not JSON, or not the type; `field` says where.
    """
    require_json(request)
    try:
        return decoder.decode(request.body)
    except msgspec.ValidationError as error:
        detail, pointer = located(str(error))
        raise BadRequestError(detail, pointer) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BadRequestError("the body is not JSON in UTF-8") from None
    except RecursionError:
        raise BadRequestError("the body is nested too deeply") from None


def require_json(request: Request) -> None:
    """Raises UnsupportedMediaTypeError unless the headers declare plain JSON in UTF-8."""
    declared = request.headers.get("Content-Type", "")
    if declared != "application/json":
        media, _, parameters = declared.partition(";")
        charset = parameters.strip().lower().removeprefix("charset=").strip('"')
        if media.strip().lower() != "application/json" or charset not in ("", "utf-8"):
            raise UnsupportedMediaTypeError("send Content-Type: application/json in UTF-8")
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise UnsupportedMediaTypeError("send the body uncompressed")


def located(message: str) -> tuple[str, str]:
    """msgspec's message split into what is wrong and the JSON pointer to it.

    >>> located("Expected `str`, got `int` - at `$.user.data[...].segment[0]`")
    ('Expected `str`, got `int`', '/user/data/0/segment/0')
    """
    detail, _, path = message.rpartition(" - at `$")
    detail, path = (detail, path.removesuffix("`")) if detail else (message, "")
    pointer = path.replace("[...]", "[0]").replace("[", ".").replace("]", "").replace(".", "/")
    if detail.startswith(missing := "Object missing required field `"):
        pointer = f"{pointer}/{detail.removeprefix(missing).removesuffix('`')}"
    return detail, pointer


def opted_out(body: AdsRequest) -> bool:
    """Whether nothing may be known of this user: by device, by app or by law."""
    return bool(body.device.lmt or body.regs.coppa or not body.user.ext.personalized)


def user_id(body: AdsRequest) -> str:
    """What names the user: the app's own id, else an advertising id; "" for nobody.

    An advertising id of zeros is what a system hands out instead of one.
    """
    return body.user.id or _real(body.device.ifa) or _real(body.device.ext.oaid)


def _real(advertising_id: str) -> str:
    return advertising_id if advertising_id.strip("0-") else ""


def to_domain(
    body: AdsRequest, app: App, placement: Placement, user_key: UserKey | None
) -> AdRequest:
    """The request as the rest of the house speaks of it."""
    device, user = body.device, body.user
    personal = not opted_out(body)
    geo = body.geo if body.geo.country or body.geo.region or body.geo.city else device.geo
    return AdRequest(
        request_id=body.request_id,
        app=app,
        placement=placement,
        count=min(body.count, placement.max_ads),
        user_key=user_key,
        personalized=personal,
        country=geo.country.lower(),
        region=geo.region.lower(),
        city=geo.city.lower(),
        os=device.os.lower(),
        os_version=device.osv.lower(),
        make=device.make.lower(),
        model=device.model.lower(),
        device_type=device.devicetype,
        connection=device.connectiontype,
        carrier=device.carrier.lower(),
        language=device.language.lower(),
        gender=user.gender.lower() if personal else "",
        birth_year=user.yob if personal else 0,
        segments=_segments(user) if personal and user.data else (),
        screen_w=device.w,
        screen_h=device.h,
        app_version=body.app.ver,
        test=bool(body.test),
        debug=bool(body.debug),
    )


def _segments(user: User) -> tuple[int, ...]:
    ids = [segment.id for data in user.data for segment in data.segment]
    numbers = [int(text) for text in ids if len(text) <= 5 and text.isascii() and text.isdecimal()]
    return tuple(number for number in numbers if 0 < number < 1 << 16)
