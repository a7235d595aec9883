"""`adunion demo`: a marketplace from nothing, served, learned from, paid out, and reported on.

Never here: how any of it is done (`adserver.demo`, `loadtest`). The one surprising fact: the demo
uses the public commands and HTTP alone, as an operator, an app and an advertiser would.
"""

import asyncio
import fcntl
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import uvloop
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from adserver import config, keyring
from adserver.demo import best, chart, closing, partner_books, people, reconcile, shops, waiting
from adserver.demo.learning import learn
from adserver.demo.lines_to_try import lines_to_try
from adserver.demo.money import spent_in_redis
from adserver.demo.partner_report import SHOWN, PartnerReport
from adserver.demo.people import Person
from adserver.demo.phases import Played, Stage
from adserver.demo.report import Report
from adserver.demo.site import advertisers_site
from adserver.demo.system import DemoError, System, free_port, make_system
from adserver.demo.world import World, advertiser_keys, app_keys, catalog_of, make_world, write_keys
from loadtest.conversions import ConversionDesk
from loadtest.http_client import HttpClient
from loadtest.marketplace import ADVERTISERS
from loadtest.phones import Phones
from loadtest.simulate import Crowd

DIRECTORY = "demo"
SITE_PORT = 8082
REQUESTS = 30_000
SHARES = (1.0, 0.5, 0.7)  # of REQUESTS: before learning, between the lessons, after
FIRST_PHASE_S = 60  # a slow machine plays fewer requests rather than longer


@dataclass(frozen=True, slots=True)
class Plan:
    """What the caller asked for."""

    seed: int
    requests: int
    once: bool


@click.command()
@click.option("--once", is_flag=True, help="End after the report; exit code 0 if all books agree.")
@click.option("--seed", default=1, show_default=True, help="Another seed is another world.")
@click.option(
    "--requests", default=REQUESTS, show_default=True, help="Ad requests before learning, at most."
)
def command(once: bool, seed: int, requests: int) -> None:
    """Make a marketplace, serve it, learn from its log, serve again, close the month, and report.

    \b
    Writes into ADUNION_DATA_DIR/demo only, on embedded engines. Then it keeps serving and prints
    three curl lines to try, unless --once is given.
    """
    console = Console()
    settings = config.from_environment()
    try:
        with fresh(settings.data_dir) as directory:
            report = uvloop.run(
                demonstrate(Plan(seed, requests, once), settings, directory, console)
            )
    except DemoError as error:
        raise click.ClickException(str(error)) from error
    except asyncio.CancelledError:
        raise click.ClickException("stopped before the report") from None
    sys.exit(0 if report.holds else 1)


@contextmanager
def fresh(data_dir: Path) -> Iterator[Path]:
    """An empty directory that no other demo uses."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / f"{DIRECTORY}.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoError(f"another demo is running in {data_dir / DIRECTORY}") from None
        shutil.rmtree(data_dir / DIRECTORY, ignore_errors=True)
        yield data_dir / DIRECTORY


async def demonstrate(
    plan: Plan, settings: config.Settings, directory: Path, console: Console
) -> Report:
    """The whole story, in order."""
    _stop_on_signals()
    system = make_system(settings, directory)
    host = system.settings.host
    site_port = free_port(host, SITE_PORT)
    with _bars(console) as bars:
        world = _made(plan.seed, directory, f"http://{host}:{site_port}", bars)
        await _told(system, world, bars)
        async with system.up(), advertisers_site(world.pictures, host, site_port):
            stage = _stage(world, system)
            report, busiest = await _story(plan, stage, bars)
            guests = await _console_furnished(system, world, busiest, bars)
            bars.stop()
            report.show(console)
            report.write(directory / "report.json")
            chart.draw(report, directory / "report.png")
            console.print(f"report: {directory}/report.json, report.png, statement-{SHOWN}.html")
            if not plan.once:
                console.print(await lines_to_try(stage), soft_wrap=True)
                address = system.settings.console_address
                console.print(people.as_table(guests, address), soft_wrap=True)
                with suppress(asyncio.CancelledError):  # Ctrl-C: as good an end as any
                    await asyncio.Event().wait()
    return report


def _stop_on_signals() -> None:
    """Ctrl-C and SIGTERM end the story where it is; what was started is stopped on the way out."""
    story = asyncio.current_task()
    for number in (signal.SIGINT, signal.SIGTERM):
        if story is not None:
            asyncio.get_running_loop().add_signal_handler(number, story.cancel)


async def _story(plan: Plan, stage: Stage, bars: Progress) -> tuple[Report, str]:
    """Serve, learn, serve, learn again, serve; then hold all books against each other.

    Answers the report and the advertiser who spent most.

    Two lessons, because the first model has only seen what the prior liked to show, and promises
    too little for its own choices; the second has seen those.
    """
    with _step(bars, "how much this machine can bear"):
        rate = await stage.bearable_rate()
    requests = min(plan.requests, rate * FIRST_PHASE_S)
    first, second, third = (round(share * requests) for share in SHARES)
    before = await _played(stage, "before", "", first, rate, bars)
    between = await _played(stage, "between", await _learned(stage, bars), second, rate, bars)
    after = await _played(stage, "after", await _learned(stage, bars), third, rate, bars)
    with _step(bars, "reading the log, Redis and the prices"):
        log = await stage.logged()
        served = [await stage.figures(phase) for phase in (before, between, after)]
        checks = await _checked(stage, log)
    partners, partner_checks = await _partners_paid(stage, log, bars)
    bar = bars.add_task("the hidden model's own best", total=third)
    best_possible = best.possible(stage, after, lambda done: bars.update(bar, completed=done))
    report = Report(plan.seed, served, best_possible, [*checks, *partner_checks], partners)
    ((busiest, _),) = _charged(stage.world, log).most_common(1)
    return report, busiest


def _charged(world: World, log: reconcile.LogBooks) -> Counter[str]:
    """What each advertiser owes, by the log."""
    owed: Counter[str] = Counter()
    for line_item, micros in log.charged.items():
        owed[world.truth.advertiser_of[line_item]] += micros
    return owed


async def _partners_paid(
    stage: Stage, log: reconcile.LogBooks, bars: Progress
) -> tuple[PartnerReport, list[reconcile.Check]]:
    """Links are followed, shops report, the month closes, and every book is held against it."""
    system, world, desk = stage.system, stage.world, stage.shops
    zone = ZoneInfo(system.settings.time_zone)
    with _step(bars, "links are followed, shops report their orders"):
        happened = await shops.trade(world, desk)
    with _step(bars, "adunion accrue, reconcile, settle, payout, ledger verify"):
        closed = await closing.close(system, world, stage.began.astimezone(zone),
                                     datetime.now(zone))  # fmt: skip
        page = system.settings.data_dir / f"statement-{SHOWN}.html"
        month = closed.statements[-1]["period"]
        await closing.write_statement(system, SHOWN, month, page)
    charged = _charged(world, log)
    checks = partner_books.checks(desk.orders, world.market.shops, closed, charged)
    return PartnerReport(happened, closed), checks


async def _console_furnished(
    system: System, world: World, advertiser: str, bars: Progress
) -> list[Person]:
    """Somebody of each role can sign in, and finds work waiting."""
    with _step(bars, "people for the console, and work that waits for them"):
        await waiting.leave_work(system, world, advertiser, SHOWN)
        return await people.welcome(system, world, advertiser, SHOWN)


async def _learned(stage: Stage, bars: Progress) -> str:
    """A lesson from everything that is in the log; answers the model in force."""
    with _step(bars, "learning from the log"):
        await stage.logged()
        return await learn(stage)


async def _checked(stage: Stage, log: reconcile.LogBooks) -> list[reconcile.Check]:
    line_items = catalog_of(stage.world).line_items
    spent = await spent_in_redis(stage.system, line_items)
    return reconcile.checks(stage.sent(), log, spent, reconcile.invoice(log, line_items))


async def _played(
    stage: Stage, name: str, model: str, requests: int, rate: float, bars: Progress
) -> Played:
    title = f"serving {name}, {rate:,.0f} requests/s"
    bar = bars.add_task(title, total=requests)
    return await stage.phase(
        (name, model), requests, rate, lambda done: bars.update(bar, completed=done)
    )


def _made(seed: int, directory: Path, site_url: str, bars: Progress) -> World:
    """The world of this seed, with a bar over its advertisers and their pictures."""
    bar = bars.add_task("drawing advertisers, creatives and people", total=ADVERTISERS)
    return make_world(seed, directory, site_url, datetime.now(UTC), lambda: bars.advance(bar))


async def _told(system: System, world: World, bars: Progress) -> None:
    """The world as the server learns of it: by the commands an operator would use."""
    with _step(bars, "partners, contracts, shops, products, a fund"):
        await shops.furnish(system, world)
    with _step(bars, "adunion catalog import catalog.yaml"):
        await system.run("catalog", "import", str(world.catalog_file))
        await shops.take_deposits(system, world)
    with _step(bars, "adunion users import users.parquet"):
        await system.run("users", "import", str(world.users_file))


def _stage(world: World, system: System) -> Stage:
    """The crowd at the door of the running system, with the keys that its apps were given."""
    keys = keyring.load(system.settings)
    write_keys(world, keys, system.settings.data_dir / "keys.json")
    client = HttpClient(system.settings.host, system.settings.port)
    desk = ConversionDesk(client, advertiser_keys(world, keys))
    phones = Phones(world.people, world.market)
    crowd = Crowd(client, phones, world.truth, app_keys(world, keys), desk, world.seed)
    shop_desk = shops.shop_desk(world, keys, client)
    crowd.opens_shops(shop_desk, world.market.promoted(), world.market.owners())
    return Stage(world, system, crowd, shop_desk, datetime.now(UTC))


def _bars(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description:<48}"), BarColumn(), TimeElapsedColumn(), console=console
    )


@contextmanager
def _step(bars: Progress, title: str) -> Iterator[None]:
    """A bar for work of unknown length."""
    bar = bars.add_task(title, total=None)
    yield
    bars.update(bar, total=1, completed=1)
