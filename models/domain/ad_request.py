"""An ad request after the door: validated, normalised, its app and placement looked up.

The user's state comes separately. Nobody changes a request; frozen it would cost 3 us more to make.
"""

from dataclasses import dataclass

from models.domain.ids import UserKey
from models.domain.placement import App, Placement


@dataclass(slots=True, unsafe_hash=True)
class AdRequest:
    """What an app asks. Unknown strings are "", unknown numbers 0.

    Strings that targeting compares are lower case.

    `device_type` and `connection` are OpenRTB numbers. `age` is in years (0 unknown), from the
    request or else the profile. `segments` are the request's own `user.data` segments.
    `personalized` is False for users who opted out: their profile is neither read nor used, their
    caps are kept.
    """

    request_id: str
    app: App
    placement: Placement
    count: int = 1
    user_key: UserKey | None = None
    personalized: bool = True
    country: str = ""
    region: str = ""
    city: str = ""
    os: str = ""
    os_version: str = ""
    make: str = ""
    model: str = ""
    device_type: int = 0
    connection: int = 0
    carrier: str = ""
    language: str = ""
    gender: str = ""
    birth_year: int = 0
    segments: tuple[int, ...] = ()
    screen_w: int = 0
    screen_h: int = 0
    app_version: str = ""
    test: bool = False
    debug: bool = False
