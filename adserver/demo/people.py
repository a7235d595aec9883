"""People who may look at the demo: one of each role, with a password made up for this run.

Never here: what they see. The one surprising fact: they are made by `adunion admin create`, as an
operator would make them, so the passwords are printed here and kept nowhere.
"""

from dataclasses import dataclass

import msgspec

from adserver.demo.system import System
from adserver.demo.world import World

HOUSE = "demo.example"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can sign in."""

    role: str
    owner: str
    email: str
    password: str


async def welcome(system: System, world: World, advertiser: str, partner: str) -> list[Person]:
    """An operator, and one person each of an advertiser, a partner and the first merchant.

    Raises:
        DemoError: a command failed.
    """
    merchant = str(world.market.shops[0].merchant_id)
    roles = {"operator": "", "advertiser": advertiser, "partner": partner, "merchant": merchant}
    return [await _made(system, role, owner) for role, owner in roles.items()]


async def _made(system: System, role: str, owner: str) -> Person:
    email = f"{role}@{HOUSE}"
    whose = ("--role", role, *(("--owner", owner) if owner else ()))
    said = await system.run("admin", "create", "--email", email, *whose, "--json")
    return Person(role, owner, email, msgspec.json.decode(said)["password"])


def as_table(people: list[Person], address: str) -> str:
    """Who signs in where, for the terminal."""
    lines = [
        f"  {one.role:<11} {one.email:<26} {one.password:<18} {one.owner}".rstrip()
        for one in people
    ]
    return "\n".join((f"\nThe console is at [bold]{address}/sign-in[/bold]; sign in as", *lines))
