"""What people like and advertisers sell, the five themes of the made-up market, and its formats.

A theme is a number; beside it its name, its interest segment in user profiles and its IAB content
category. Never here: chance. The surprising fact: this list is all that people and ads share, so
it is what a model has to find out.
"""

from typing import NamedTuple


class Theme(NamedTuple):
    """One theme: words for people, `segment` for profiles, `iab` for advertisers and apps."""

    name: str
    segment: int
    iab: str
    brands: tuple[str, ...]
    offer: str
    cta: str


THEMES = (
    Theme("games", 101, "IAB9-30",
          ("Lantern", "Nine Rivers", "Pixel Fox", "Moonrise", "Koi", "Pagoda", "Otter", "Comet"),
          "A new world every week", "Play now"),
    Theme("shopping", 102, "IAB22",
          ("Basket", "Silk Lane", "Morning Mart", "Two Cranes", "Dou", "Peach", "Loom", "Indigo"),
          "Half price until Sunday", "Shop now"),
    Theme("travel", 103, "IAB20",
          ("Farland", "Skyroad", "Tea Horse", "Island Hop", "Baiyun", "Ridge", "Ferry", "Nomad"),
          "Weekend trips from 199", "Book a trip"),
    Theme("finance", 104, "IAB13",
          ("Abacus", "Jade Bank", "Harbour", "Pine Fund", "Yuan Plan", "Anchor", "Vault", "Elm"),
          "Save without thinking about it", "See the rates"),
    Theme("food", 105, "IAB8",
          ("Noodle Bar", "Red Pot", "Fresh Box", "Steam", "Lychee", "Ginger", "Rice Bowl", "Plum"),
          "Lunch at your door in 25 minutes", "Order now"),
)  # fmt: skip

SIZES = {
    "splash": (1080, 1920),
    "banner": (640, 100),
    "native": (690, 388),
    "interstitial": (1080, 1620),
    "rewarded_video": (1280, 720),
}
IN_APP = ("banner", "native", "interstitial", "rewarded_video")
FLOORS = {"splash": "4.00", "banner": "0.80", "native": "1.50",
          "interstitial": "2.00", "rewarded_video": "2.00"}  # fmt: skip
TRAFFIC_SHARE = {"splash": 0.32, "banner": 0.16, "native": 0.24,
                 "interstitial": 0.14, "rewarded_video": 0.14}  # fmt: skip
