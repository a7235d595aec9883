"""Partners, shops and money in advance, told to the house by an operator's commands.

Never here: what anybody earns. The one surprising fact: affiliates ask nobody for their links, they
write them down; only the house's answer shows whether they were right.
"""

from collections import Counter

import numpy as np

from adserver import keyring
from adserver.demo.system import System
from adserver.demo.world import World, merchant_keys
from loadtest.http_client import HttpClient
from loadtest.link_followers import follow
from loadtest.partners import (
    FUND,
    FUND_AMOUNT,
    campaigners,
    write_deposits,
    write_feed,
    write_partners,
)
from loadtest.shop import ShopDesk

LINK_CLICKS = 600


async def furnish(system: System, world: World) -> None:
    """Partners with contracts, shops with products, a fund. Before the catalog, which names them.

    Raises:
        DemoError: a command failed.
    """
    directory, shops = system.settings.data_dir, world.market.shops
    write_partners(shops, partners := directory / "partners.yaml")
    await system.run("partner", "import", str(partners))
    for shop in shops:
        write_feed(shop, feed := directory / f"{shop.merchant_id}.csv")
        await system.run("product", "import", str(feed), "--merchant", shop.merchant_id)
    await system.run("fund", "create", FUND, "--name", "Developer support")
    await system.run("fund", "deposit", FUND, "--amount", FUND_AMOUNT, "--reference", "F1")


async def take_deposits(system: System, world: World) -> None:
    """What advertisers have paid in. After the catalog, which knows them."""
    path = system.settings.data_dir / "deposits.csv"
    write_deposits(world.market.advertiser_ids(), path)
    await system.run("advertiser", "deposits", str(path))


def shop_desk(world: World, keys: keyring.Keyring, client: HttpClient) -> ShopDesk:
    """The shops' servers, each with the key and the secret that it was given."""
    shops, given = world.market.shops, merchant_keys(world, keys)
    wares = {shop.merchant_id: shop.wares for shop in shops}
    return ShopDesk(client, given, wares, np.random.default_rng((world.seed, 10)))


async def trade(world: World, desk: ShopDesk) -> Counter[str]:
    """People follow links; all that was bought is paid for, and delivered, or sent back.

    Answers what happened: links by status, verdicts of the house on what shops reported.
    """
    happened = Counter[str]()
    affiliates = campaigners(world.market.shops)
    happened.update(await follow(desk.client, desk, affiliates, LINK_CLICKS, world.seed))
    happened.update(await desk.report_paid())
    happened.update(await desk.report_fates())
    return happened
