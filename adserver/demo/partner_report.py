"""The partners' half of the report: a statement, everybody's three numbers, fund and chain.

Never here: comparing books (`partner_books`). The one surprising fact: nothing is computed here;
all is shown as the commands of the house print it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from adserver.demo.closing import Closed
from loadtest.partners import FUND_AMOUNT

SHOWN = "p_lamp"


@dataclass(frozen=True, slots=True)
class PartnerReport:
    """What happened outside (links, orders), and what the closing made of it."""

    happened: Mapping[str, int]
    closed: Closed

    def as_json(self) -> dict[str, Any]:
        """For report.json."""
        return {
            "happened": dict(self.happened),
            "accrued": self.closed.accrued,
            "statements": self.closed.statements,
            "payouts": self.closed.payouts,
            "fund": self.closed.fund,
            "ledger": self.closed.verified,
        }

    def tables(self) -> RenderableType:
        """All of it."""
        fund = self.closed.fund
        words = [
            f"Shops and links: {', '.join(f'{n:,} {name}' for name, n in self.happened.items())}",
            f"Fund {fund['fund']}: {fund['left']} of {FUND_AMOUNT} left",
            self.closed.verified,
        ]
        return Group(self._everybody(), self._one(), *words)

    def _everybody(self) -> Table:
        table = Table(title="Partners, CNY", title_justify="left", title_style="bold")
        for column in ("month", "partner", "estimated", "validated", "payable", "paid out"):
            table.add_column(column, justify="left" if column == "partner" else "right")
        paid = {(one["period"], one["partner_id"]): one["amount"] for one in self.closed.payouts}
        for one in self.closed.statements:
            numbers = (one[name] for name in ("estimated", "validated", "payable"))
            payout = paid.get((one["period"], one["partner_id"]), "-")
            table.add_row(one["period"], one["partner_id"], *numbers, payout)
        return table

    def _one(self) -> Table:
        title = f"The statement of {SHOWN}, step by step"
        table = Table(title=title, title_justify="left", title_style="bold")
        for column in ("section", "step", "lines", "CNY"):
            table.add_column(column, justify="right" if column in ("lines", "CNY") else "left")
        for one in self.closed.statements:
            if one["partner_id"] != SHOWN:
                continue
            for step in one["bridge"]:
                step_name = step["item"].replace("_", " ")
                table.add_row(step["section"], step_name, f"{step['lines']:,}", step["amount"])
            table.add_row("", "[bold]payable", "", f"[bold]{one['payable']}")
        return table
