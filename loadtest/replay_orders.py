"""Ten months of a shop through links, orders and settlement, month by month.

It talks to `adunion` as an operator does (commands) and as a shop's server does (signed HTTP), on a
data directory of its own. Never here: reading the log (`order_log`) or who sent which customer
(`order_channels`). The surprising fact: links are clicked for real, but today; the clicks of back
then come in by `adunion clicks import`, as when a shop moves here from another system.
"""

import argparse
import asyncio
import csv
import json
import os
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from loadtest.conversions import AdvertiserKeys, signed_header_lines
from loadtest.http_client import Answer, HttpClient
from loadtest.order_channels import MERCHANT, Channels, contracts_file, feed_lines
from loadtest.order_log import CURRENCY, Fact, OrderLog, read_log, understand
from loadtest.simulate import PERSON

BATCH = 1_000
FUND = "1500.00"
NOTHING = Decimal(0)
BACK = ("refunds", "cancellations")
REASONS = (
    "unmatched_refund", "outside_window", "bad_click", "no_touch", "cap_reached", "zero_rate",
    "not_paid", "pool_empty", "subsidy_cap_reached",
)  # fmt: skip
START_LIMIT_S = 60
PATIENCE_S = 120
WIDE = 150  # where the report goes into a file
HOST = "127.0.0.1"


@dataclass
class Month:
    """What one month came to; money in pounds."""

    month: str
    facts: int = 0
    verdicts: dict[str, int] = field(default_factory=dict)
    report_s: float = 0.0
    settle_s: float = 0.0
    statements: int = 0
    estimated: Decimal = NOTHING
    validated: Decimal = NOTHING
    payable: Decimal = NOTHING
    refunds: Decimal = NOTHING
    paid_out: Decimal = NOTHING
    foots: bool = False


@dataclass
class Result:
    """Every month, and what the books say at the end."""

    months: list[Month]
    reasons: dict[str, int] = field(default_factory=dict)
    verified: str = ""
    bean_check: str = ""

    @property
    def holds(self) -> bool:
        """Whether every statement foots, the chain is whole and another tool accepts the books."""
        sound = self.verified.startswith("ledger verify: ok") and self.bean_check == "ok"
        return sound and all(month.foots for month in self.months)


@dataclass(frozen=True)
class House:
    """An installation: its environment and its serving port."""

    directory: Path
    port: int
    console_port: int

    def run(self, *arguments: str, ok: Sequence[int] = (0,)) -> str:
        """One command to its end; what it printed. Raises RuntimeError when it fails."""
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", "adserver", *arguments],
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in ok:
            raise RuntimeError(f"adunion {' '.join(arguments)}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def json(self, *arguments: str) -> Any:
        """What a command prints with --json."""
        return json.loads(self.run(*arguments, "--json"))

    def environment(self) -> dict[str, str]:
        """The settings of this house and nobody else's."""
        plain = {name: text for name, text in os.environ.items() if not name.startswith("ADUNION_")}
        return plain | {
            "ADUNION_DATA_DIR": str(self.directory),
            "ADUNION_CURRENCY": CURRENCY,
            "ADUNION_TIME_ZONE": "Europe/London",
            "ADUNION_PORT": str(self.port),
            "ADUNION_CONSOLE_PORT": str(self.console_port),
        }

    @contextmanager
    def up(self) -> Iterator[None]:
        """`adunion up`, stopped at the end."""
        with (self.directory / "up.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "adserver", "up"],
                env=self.environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            try:
                yield
            finally:
                process.terminate()
                process.wait(30)


@asynccontextmanager
async def door(house: House) -> AsyncIterator[HttpClient]:
    """Connections to the serving port, once a link leads somewhere."""
    client = HttpClient(HOST, house.port, connections=8, timeout_s=120)
    deadline = time.monotonic() + START_LIMIT_S
    while await _status(client, f"/r/p01~{MERCHANT}") != 302:
        if time.monotonic() > deadline:
            raise RuntimeError(f"adunion up does not follow links; see {house.directory}/up.log")
        await asyncio.sleep(0.2)
    try:
        yield client
    finally:
        client.close()


async def _status(client: HttpClient, target: str) -> int:
    try:
        return (await client.get(target, f"User-Agent: {PERSON}\r\n")).status
    except (OSError, TimeoutError):
        return 0


def furnish(house: House, log: OrderLog, channels: Channels) -> dict[str, str]:
    """Merchant, partners, contracts, coupons, products and the clicks of back then.

    Answers the receipt of each invoice that was clicked for.
    """
    house.directory.mkdir(parents=True, exist_ok=True)
    own = house.directory
    (own / "partners.yaml").write_text(contracts_file())
    house.run("partner", "import", str(own / "partners.yaml"))
    house.run("fund", "create", "support", "--name", "Support")
    house.run("fund", "deposit", "support", "--amount", FUND, "--reference", "F1")
    (own / "feed.jsonl").write_text("\n".join(feed_lines(log)) + "\n")
    house.run("product", "import", str(own / "feed.jsonl"), "--merchant", MERCHANT)
    channels.write_clicks(own / "clicks.csv")
    told = house.run("clicks", "import", str(own / "clicks.csv"), "--receipts", f"{own}/got.csv")
    (own / "clicks.txt").write_text(told)
    with (own / "got.csv").open(newline="") as file:
        return {row["click_id"]: row["receipt"] for row in csv.DictReader(file)}


async def click(client: HttpClient, channels: Channels, bar: Any) -> Counter[int]:
    """Follows a link for every invoice that came by one; answers the statuses."""
    targets = channels.link_targets()
    seen: Counter[int] = Counter()

    async def follow(target: str) -> None:
        seen[await _status(client, target)] += 1
        bar()

    for start in range(0, len(targets), 500):
        await asyncio.gather(*map(follow, targets[start : start + 500]))
    return seen


async def report(
    client: HttpClient, keys: AdvertiserKeys, facts: Sequence[Fact], bar: Any
) -> Counter[str]:
    """Sends facts in batches, signed; answers the verdicts."""
    verdicts: Counter[str] = Counter()
    for start in range(0, len(facts), BATCH):
        batch = facts[start : start + BATCH]
        body = msgspec.json.encode({"orders": batch})
        answer = await _post(client, keys, body)
        if answer.status != HTTPStatus.OK:
            raise RuntimeError(f"POST /v1/orders answered {answer.status}: {answer.body[:500]!r}")
        verdicts.update(one["verdict"] for one in msgspec.json.decode(answer.body)["results"])
        bar(len(batch))
    return verdicts


async def _post(client: HttpClient, keys: AdvertiserKeys, body: bytes) -> Answer:
    """One batch, sent again for as long as the house says that it may be tried later."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        lines = signed_header_lines(keys, body, datetime.now(UTC))
        headers = "".join(f"{name}: {value}\r\n" for name, value in lines)
        answer = await client.post_json("/v1/orders", body, headers)
        if answer.status != HTTPStatus.SERVICE_UNAVAILABLE or time.monotonic() > deadline:
            return answer
        await asyncio.sleep(float(answer.header(b"retry-after") or 1))


def settle(house: House, month: Month) -> None:
    """The shop pays, the month closes and is paid out; every statement is added up again."""
    began = time.perf_counter()
    owed = -_balance(house, f"merchant_receivable:{MERCHANT}")
    if owed > 0:
        paying = ("--amount", str(owed), "--reference", month.month)
        house.run("merchant", "deposit", MERCHANT, *paying)
    house.run("settle", "--period", month.month)
    made = house.json("payout", "batch", "--period", month.month, "--now")["made"]
    if made:
        house.run("payout", "confirm", *(one["payout_id"] for one in made))
        month.paid_out = sum((Decimal(one["amount"]) for one in made), NOTHING)
    month.settle_s = time.perf_counter() - began
    statements = house.json("statement", "list", "--period", month.month)
    month.statements = len(statements)
    month.foots = bool(statements) and all(map(foots, statements))
    for name in ("estimated", "validated", "payable"):
        setattr(month, name, sum((Decimal(one[name]) for one in statements), NOTHING))
    month.refunds = sum(
        (Decimal(s["amount"]) for one in statements for s in one["bridge"] if s["item"] in BACK),
        NOTHING,
    )


def _balance(house: House, account: str) -> Decimal:
    found = house.json("ledger", "balance", account)
    return Decimal(found[0]["posted"]) if found else NOTHING


def foots(statement: dict[str, Any]) -> bool:
    """Whether the steps of a statement lead from each of its three numbers to the next."""
    steps: defaultdict[str, Decimal] = defaultdict(Decimal)
    for step in statement["bridge"]:
        steps[step["section"]] += Decimal(step["amount"])
    estimated, validated, payable = (
        Decimal(statement[name]) for name in ("estimated", "validated", "payable")
    )
    return (
        steps["estimated"] == estimated
        and estimated + steps["validated"] == validated
        and validated + steps["matured"] + steps["payable"] == payable
    )


def inspect(house: House, months: list[Month]) -> Result:
    """The chain walked again, the books given to beancount, the reasons of rows counted."""
    result = Result(months)
    result.verified = house.run("ledger", "verify", ok=(0, 1)).strip()
    books = house.directory / "books.beancount"
    house.run("ledger", "export", str(books))
    checked = subprocess.run(  # noqa: S603 - beancount's own checker
        [str(Path(sys.executable).with_name("bean-check")), str(books)],
        capture_output=True,
        text=True,
        check=False,
    )
    result.bean_check = "ok" if checked.returncode == 0 else checked.stderr[:2_000]
    for reason in REASONS:
        rows = house.json("orders", "list", "--reason", reason, "--limit", "100000")
        result.reasons[reason] = len(rows)
    return result


def main() -> None:
    """The whole run, and its report."""
    options = _options()
    console = Console(width=None if sys.stdout.isatty() else WIDE)
    with Progress(console=console) as bars:
        reading = bars.add_task("reading the log", total=None)
        log = understand(read_log(options.file))
        bars.update(reading, total=1, completed=1)
        result = asyncio.run(replay(log, options, bars))
    write(result, options.directory / "report.json")
    show(console, log, result)
    sys.exit(0 if result.holds else 1)


async def replay(log: OrderLog, options: argparse.Namespace, bars: Progress) -> Result:
    """Every month's facts and its closing, in order."""
    house = House(options.directory, options.port, options.console_port)
    facts = dict(list(log.by_month().items())[: options.months])
    channels = Channels.of(log, set(facts))
    setting_up = bars.add_task("partners, products, clicks of back then", total=None)
    receipts = furnish(house, log, channels)
    bars.update(setting_up, total=1, completed=1)
    told = house.json("merchant", "key", MERCHANT)
    keys = AdvertiserKeys(told["key"], told["signing_secret"])
    months = []
    with house.up():
        async with door(house) as client:
            bar = bars.add_task("following links", total=len(channels.link_targets()))
            seen = await click(client, channels, lambda: bars.advance(bar))
            if seen.keys() != {302}:
                raise RuntimeError(f"links answered {dict(seen)}")
            for name, happened in facts.items():
                month = Month(name, len(happened))
                bar = bars.add_task(f"{name}: orders", total=len(happened))
                attributed = [channels.attributed(fact, receipts) for fact in happened]
                began = time.perf_counter()
                verdicts = await report(
                    client, keys, attributed, lambda done, bar=bar: bars.advance(bar, done)
                )
                month.verdicts = dict(verdicts)
                month.report_s = time.perf_counter() - began
                await asyncio.to_thread(settle, house, month)
                months.append(month)
    checking = bars.add_task("ledger verify, bean-check, reasons", total=None)
    result = inspect(house, months)
    bars.update(checking, total=1, completed=1)
    return result


def write(result: Result, path: Path) -> None:
    """The report for programs."""
    path.write_text(json.dumps(asdict(result), indent=2, default=str) + "\n")


def show(console: Console, log: OrderLog, result: Result) -> None:
    """The report as tables."""
    left_out = ", ".join(f"{count:,} {why}" for why, count in log.left_out.items())
    console.print(
        f"{len(log.sales):,} sales, {log.matched_lines:,} cancelled lines matched to them, "
        f"{len(log.unmatched):,} refunds of unknown sales; left out: {left_out}"
    )
    table = Table(title="Month by month, pounds", title_justify="left")
    for column in (
        "month", "facts", "accepted", "reported in", "settled in", "statements",
        "estimated", "refunds", "validated", "payable", "paid out", "",
    ):  # fmt: skip
        table.add_column(column, justify="right")
    for month in result.months:
        table.add_row(
            month.month,
            f"{month.facts:,}",
            f"{month.verdicts.get('accepted', 0):,}",
            f"{month.report_s:,.1f} s",
            f"{month.settle_s:,.1f} s",
            str(month.statements),
            *(f"{one:,.2f}" for one in (month.estimated, month.refunds)),
            *(f"{one:,.2f}" for one in (month.validated, month.payable, month.paid_out)),
            "[green]foots" if month.foots else "[red]DOES NOT FOOT",
        )
    console.print(table)
    reasons = ", ".join(f"{count:,} {why}" for why, count in result.reasons.items() if count)
    console.print(f"rows with a reason: {reasons}")
    console.print(f"{result.verified}\nbean-check: {result.bean_check}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file", type=Path, help="the log, CSV.gz")
    parser.add_argument("--directory", type=Path, default=Path("var/order-log"))
    parser.add_argument("--months", type=int, default=99, help="only the first so many")
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--console-port", type=int, default=8091)
    return parser.parse_args()


if __name__ == "__main__":
    main()
