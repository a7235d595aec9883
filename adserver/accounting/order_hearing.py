"""One batch before the books: who sent the customers, what that earns, what the ledger is told.

Never here: a rule about money (`affiliate`), or committing (`orders`). The one surprising fact: all
is worked out in memory, wave by wave, as if the reports had come one after the other, and written
at the end in one go; lines that share a cap or tiers are judged again together in each wave.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

import msgspec
from sqlalchemy import Connection

from adserver.accounting.order_basis import (
    basis_of_row,
    found_of_row,
    line_of_row,
    make_basis,
    still_holds,
)
from adserver.accounting.order_evidence import Clicks, ReadReceipt, Witnesses
from adserver.accounting.order_judging import (
    Case,
    earned_again,
    is_shared,
    keeps_grant,
    row_of,
    scope_of,
)
from adserver.accounting.order_postings import Happening, transactions_of
from adserver.accounting.order_shelves import Shelves
from adserver.accounting.order_subsidies import Funds
from adserver.stores import orders
from adserver.stores.ledger import Journal
from adserver.stores.order_rows import OrderRow, row_columns, row_id_of_fact
from adserver.stores.partners import Life
from affiliate.attribution import Attributed, Unattributed, attribute
from affiliate.calendar import period_of
from affiliate.commission import Earning, earn
from affiliate.ledger import Refusal, Refused, Transaction
from affiliate.merchandise import Merchant
from affiliate.order import OrderFact, line_of
from affiliate.partner import Contract
from models.domain.ids import MerchantId, PartnerId
from models.domain.money import LARGEST_MINOR

Facts = Mapping[str, Mapping[int, OrderFact]]
"""The facts of rows, by row id and version."""


class CommissionTooLargeError(ValueError):
    """A line earns, or an account would hold, more than an amount of money may be."""

    def __init__(self, order_id: str, line_id: str) -> None:
        super().__init__(f"what line {line_id} of order {order_id} earns is no amount any more")
        self.order_id, self.line_id = order_id, line_id


class BooksRefusedError(RuntimeError):
    """The ledger refused what the rules worked out: a broken invariant of ours."""


@dataclass(slots=True)
class Hearing:
    """The batch of one merchant, on an open transaction that holds the ledger's lock."""

    connection: Connection
    journal: Journal
    life: Life[Merchant]
    zone: tzinfo
    now: datetime
    _rows: dict[str, OrderRow] = field(default_factory=dict)
    _stored: dict[str, OrderRow] = field(default_factory=dict)
    _scopes: set[str] = field(default_factory=set)
    _facts: dict[str, dict[int, OrderFact]] = field(default_factory=dict)
    _transactions: list[tuple[Transaction, OrderRow]] = field(default_factory=list)
    _left: dict[tuple[str, str], OrderRow] = field(default_factory=dict)
    _closed: dict[str, str] = field(default_factory=dict)
    _numbers: dict[str, int] = field(default_factory=dict)
    _witnesses: Witnesses = field(init=False)
    _shelves: Shelves = field(init=False)
    _funds: Funds = field(init=False)
    _merchant_id: MerchantId = field(init=False)

    def open(self, merchant_id: MerchantId, read_receipt: ReadReceipt) -> None:
        """Calls the witnesses of a merchant."""
        self._merchant_id = merchant_id
        self._witnesses = Witnesses(self.connection, merchant_id, read_receipt)
        self._shelves = Shelves(self.connection, merchant_id, self.life)
        self._funds = Funds(self.connection, self.journal, self.zone)

    def hear(
        self,
        rows: Mapping[str, OrderRow],
        known: Facts,
        fresh: Sequence[OrderFact],
        clicks: Clicks,
    ) -> None:
        """Judges what changes by new facts and clicks; `rows` and `known` are as stored."""
        orders.add_facts(self.connection, fresh, self.now)
        self._admit(rows, known)
        waves = _waves(fresh)
        touched = {row_id for wave in waves for row_id in wave}
        told: dict[str, list[OrderFact]] = defaultdict(list)
        for row_id in touched:
            told[row_id] += self._facts.get(row_id, {}).values()
        for fact in fresh:
            told[row_id_of_fact(fact)].append(fact)
        news = self._witnesses.learn(told.values(), clicks)
        others = self._rows_of_customers(news, touched)
        moment = max((fact.occurred_at for fact in fresh), default=self.now)
        for number, wave in enumerate(waves or [{}]):
            for row_id, fact in wave.items():
                self._facts.setdefault(row_id, {})[fact.version] = fact
            happened = {row_id: fact.occurred_at for row_id, fact in wave.items()}
            if number == 0:
                happened |= dict.fromkeys(others, moment)
            self._judge(happened)

    def book(self) -> None:
        """Writes rows and tells the ledger.

        Raises:
            CommissionTooLargeError: an account would hold more than fits.
            BooksRefusedError: the ledger refused for any other reason.
        """
        changed = [row for row_id, row in self._rows.items() if row != self._stored.get(row_id)]
        seq = orders.next_seq(self.connection) if changed else 0
        numbered = [
            OrderRow(
                **row_columns(row)
                | {"modified_at": self.now, "modified_seq": seq + number}
                | {"postings": self._numbers.get(row.row_id, row.postings)}
            )
            for number, row in enumerate(changed)
        ]
        orders.put_rows(self.connection, numbered)
        self._note_departures({row.row_id: row for row in numbered})
        outcomes = self.journal.append([one for one, _ in self._transactions], self.now)
        for outcome, (_, row) in zip(outcomes, self._transactions, strict=True):
            if not isinstance(outcome, Refused):
                continue
            if outcome.refusal in (Refusal.AMOUNT_OVERFLOW, Refusal.BALANCE_OVERFLOW):
                raise CommissionTooLargeError(row.order_id, row.line_id)
            raise BooksRefusedError(f"{outcome.key}: {outcome.refusal} {outcome.detail}")

    def _admit(self, rows: Mapping[str, OrderRow], facts: Facts) -> None:
        """Rows as they are stored, with all their facts where those are needed."""
        for row_id, row in rows.items():
            self._stored.setdefault(row_id, row)
            self._rows.setdefault(row_id, row)
        for row_id, versions in facts.items():
            self._facts.setdefault(row_id, dict(versions))

    def _rows_of_customers(self, refs: set[str], touched: set[str]) -> set[str]:
        """The rows that what was learned about customers may change."""
        if not refs:
            return set()
        found = orders.rows_of_customers(self.connection, self._merchant_id, refs)
        new = {row_id: row for row_id, row in found.items() if row_id not in touched}
        self._admit(new, orders.facts_of(self.connection, self._merchant_id, new))
        return set(new)

    def _judge(self, happened: Mapping[str, datetime]) -> None:
        """Judges lines again, and with them those that share a cap or tiers with them."""
        cases = self._cases(happened)
        moment = max(happened.values(), default=self.now)
        shared = self._shared_scopes(cases)
        cases |= self._neighbours(shared, cases, moment)
        earnings = self._earnings(cases)
        for case in cases.values():
            self._settle(case, earnings.get(case.row_id), is_told=case.row_id in happened)

    def _cases(self, happened: Mapping[str, datetime]) -> dict[str, Case]:
        lines = {row_id: line_of(self._facts[row_id].values()) for row_id in happened}
        before = {row_id: self._rows.get(row_id) for row_id in happened}
        partners = {PartnerId(row.partner_id or "") for row in before.values() if row and row.scope}
        self._witnesses.call(lines.values(), partners)
        cases = {}
        for row_id, line in lines.items():
            found = attribute(line, self._witnesses.evidence(line))
            moment = happened[row_id]
            cases[row_id] = Case(row_id, before[row_id], line, found, None, moment)
        self._lay_out(cases.values())
        return cases

    def _lay_out(self, cases: Iterable[Case]) -> None:
        """Finds what the rates of attributed lines are found by."""
        new: list[tuple[Case, Attributed]] = []
        for case in cases:
            if isinstance(case.found, Unattributed):
                continue
            case.basis = basis_of_row(case.before)
            if case.before is None or case.basis is None or not still_holds(
                case.basis, case.before, case.line.sale, case.found
            ):  # fmt: skip
                new.append((case, case.found))
        self._shelves.fetch((case.line.sale, found) for case, found in new)
        for case, found in new:
            sale, old = case.line.sale, case.basis
            case.basis = make_basis(sale, self._shelves.shelf(sale, found), found)
            if old is not None and keeps_grant(case):
                case.basis = msgspec.structs.replace(
                    case.basis,
                    subsidy_wanted=old.subsidy_wanted,
                    subsidy_short=old.subsidy_short,
                )

    def _shared_scopes(self, cases: Mapping[str, Case]) -> dict[str, Contract]:
        """The contracts and months with tiers or a cap that these lines are in, or were in."""
        shared: dict[str, Contract] = {}
        for case in cases.values():
            found, before = case.found, case.before
            if isinstance(found, Attributed):
                scope = scope_of(found, case.line.sale, self.zone)
                shared[scope] = found.contract
            if before is not None and before.scope and before.scope not in shared:
                shared[before.scope] = self._contract_of(before)
        return {scope: one for scope, one in shared.items() if is_shared(one.terms)}

    def _contract_of(self, row: OrderRow) -> Contract:
        named = (row.partner_id or "", row.contract_id or "", row.contract_version or 0)
        contract = self._witnesses.contract(*named)
        if contract is None:
            raise BooksRefusedError(f"row {row.row_id} earns under a contract that is gone")
        return contract

    def _neighbours(
        self, shared: Mapping[str, Contract], cases: Mapping[str, Case], moment: datetime
    ) -> dict[str, Case]:
        """The other lines of shared scopes, as they stand."""
        if wanted := shared.keys() - self._scopes:
            self._admit(orders.rows_of_scopes(self.connection, wanted), {})
            self._scopes |= wanted
        found = {}
        for row_id, row in self._rows.items():
            if row.scope not in shared or row_id in cases:
                continue
            basis = basis_of_row(row)
            if basis is None:
                raise BooksRefusedError(f"row {row_id} earns and nobody knows by what")
            line = line_of_row(row, basis)
            whose = found_of_row(row, basis, shared[row.scope])
            found[row_id] = Case(row_id, row, line, whose, basis, moment)
        return found

    def _earnings(self, cases: Mapping[str, Case]) -> dict[str, Earning]:
        """What attributed lines earn, those of one contract and month together."""
        groups: dict[str, list[Case]] = defaultdict(list)
        for case in cases.values():
            if isinstance(case.found, Attributed):
                groups[scope_of(case.found, case.line.sale, self.zone)].append(case)
        earned = {}
        for group in groups.values():
            contract = group[0].found
            assert isinstance(contract, Attributed)
            for one in earn([case.claim() for case in group], contract.contract.terms):
                earned[one.row] = one
        return earned

    def _settle(self, case: Case, earning: Earning | None, *, is_told: bool) -> None:
        """The new row of a line, and what the ledger hears of it."""
        if earning is not None:
            case.wanted_subsidy = earning.subsidy_wanted
            _require_amount(case, earning)
        if is_told or earning is None:
            row = row_of(case, earning, self.zone, self.now)
        else:
            row = earned_again(case, earning)
        row = self._funds.settled(case, row)
        before = case.before
        if row == before:
            return
        happening = self._happening(row.currency, case.occurred_at)
        number = self._numbers.get(case.row_id, row.postings)
        made = transactions_of(before, row, number, happening)
        self._numbers[case.row_id] = number + len(made)
        self._transactions += [(one, row) for one in made]
        self._rows[case.row_id] = row
        if before is not None and before.partner_id not in (None, row.partner_id):
            self._left[case.row_id, str(before.partner_id)] = row

    def _happening(self, currency: str, occurred_at: datetime) -> Happening:
        if currency not in self._closed:
            self._closed[currency] = self.journal.closed_through(currency) or ""
        period = period_of(occurred_at, self.zone)
        return Happening(occurred_at, period if period <= self._closed[currency] else "")

    def _note_departures(self, rows: Mapping[str, OrderRow]) -> None:
        orders.note_departures(
            self.connection,
            [
                {
                    "row_id": row_id,
                    "partner_id": partner_id,
                    "modified_at": self.now,
                    "modified_seq": rows[row_id].modified_seq,
                }
                for row_id, partner_id in self._left
                if row_id in rows and rows[row_id].partner_id != partner_id
            ],
        )


def _waves(facts: Iterable[OrderFact]) -> list[dict[str, OrderFact]]:
    """Facts in waves: the first of each line, then the second of each, and so on."""
    waves: list[dict[str, OrderFact]] = []
    heard: dict[str, int] = defaultdict(int)
    for fact in facts:
        row_id = row_id_of_fact(fact)
        if heard[row_id] == len(waves):
            waves.append({})
        waves[heard[row_id]][row_id] = fact
        heard[row_id] += 1
    return waves


def _require_amount(case: Case, earning: Earning) -> None:
    largest = max(earning.gross.commission, earning.estimated.commission)
    if largest > LARGEST_MINOR:
        raise CommissionTooLargeError(case.line.latest.order_id, case.line.latest.line_id)
