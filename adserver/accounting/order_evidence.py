"""Who may have sent the customers of some lines: coupons, clicks, partners and their contracts.

Loads what is not known yet in few queries, then answers line by line. Never here: who did send them
(`affiliate.attribution`). The one surprising fact: a partner is shown as it stood when the line was
paid for, so one that was suspended later keeps what it had earned.
"""

from collections.abc import Callable, Iterable, Mapping

from sqlalchemy import Connection

from adserver.stores import orders
from adserver.stores.partners import Life, contracts_of, coupons_of, lives_of
from affiliate.attribution import Evidence
from affiliate.order import OrderFact, OrderLine, Touch
from affiliate.partner import Contract, Coupon, Partner
from models.domain.ids import MerchantId, PartnerId

ReadReceipt = Callable[[str], Touch | None]
"""The touch in a click id; None for one that this house did not make."""

Clicks = Mapping[str, Iterable[Touch]]
"""Clicks by the merchant's name for the customer who made them."""


class Witnesses:
    """What is known about the customers and partners of one merchant's lines."""

    def __init__(
        self, connection: Connection, merchant_id: MerchantId, read_receipt: ReadReceipt
    ) -> None:
        self._connection = connection
        self._merchant_id = merchant_id
        self._read_receipt = read_receipt
        self._clicked: dict[str, Touch | None] = {}
        self._touches: dict[str, dict[str, Touch]] = {}
        self._coupons: dict[str, Coupon | None] = {}
        self._partners: dict[PartnerId, Life[Partner] | None] = {}
        self._contracts: dict[PartnerId, list[Contract]] = {}

    def learn(self, lines: Iterable[Iterable[OrderFact]], clicks: Clicks) -> set[str]:
        """Keeps every click that a line or a log names with its customer.

        Answers the customers of whom something new is known.
        """
        told = [(ref, touch) for facts in lines for ref, touch in self._named(list(facts))]
        told += [(ref, touch) for ref, touches in clicks.items() for touch in touches]
        self._know({ref for ref, _ in told})
        news = {}
        for ref, touch in told:
            if touch.touch_id not in self._touches[ref]:
                news[ref, touch.touch_id] = touch
        orders.learn_touches(
            self._connection,
            self._merchant_id,
            [(ref, touch) for (ref, _), touch in news.items()],
        )
        for (ref, touch_id), touch in news.items():
            self._touches[ref][touch_id] = touch
        return {ref for ref, _ in news}

    def call(self, lines: Iterable[OrderLine], partners: Iterable[PartnerId]) -> None:
        """Loads whatever the evidence of these lines needs, and these partners' contracts."""
        lines = list(lines)
        self._know({line.customer_ref for line in lines if line.customer_ref})
        codes = {line.coupon for line in lines if line.coupon} - self._coupons.keys()
        found = coupons_of(self._connection, self._merchant_id, codes) if codes else {}
        self._coupons |= {code: found.get(code) for code in codes}
        wanted = set(partners)
        for line in lines:
            wanted.update(self._candidates(line))
        if missing := wanted - self._partners.keys():
            lives = lives_of(self._connection, missing)
            self._partners |= {one: lives.get(one) for one in missing}
            self._contracts |= contracts_of(self._connection, missing)

    def evidence(self, line: OrderLine) -> Evidence:
        """All that is known about a line that was called, as of its first payment."""
        if line.first_paid is None:
            return Evidence()
        moment = line.first_paid.occurred_at
        clicked = self._clicked_by(line)
        lives = {one: self._partners[one] for one in self._candidates(line)}
        return Evidence(
            coupon=self._coupons.get(line.coupon),
            clicked=clicked,
            click_is_bad=bool(line.click_id) and clicked is None,
            touches=list(self._touches.get(line.customer_ref, {}).values()),
            partners={one: life.at(moment) for one, life in lives.items() if life},
            contracts=self._contracts,
        )

    def contract(self, partner_id: str, contract_id: str, version: int) -> Contract | None:
        """A version of a contract of a partner that was called."""
        own = self._contracts.get(PartnerId(partner_id), ())
        named = (one for one in own if (one.contract_id, one.version) == (contract_id, version))
        return next(named, None)

    def _named(self, facts: list[OrderFact]) -> Iterable[tuple[str, Touch]]:
        refs = {fact.customer_ref for fact in facts} - {""}
        for click_id in {fact.click_id for fact in facts} - {""} if refs else ():
            touch = self._read(click_id)
            if touch is not None:
                yield from ((ref, touch) for ref in refs)

    def _know(self, refs: set[str]) -> None:
        if missing := refs - self._touches.keys():
            self._touches |= orders.touches_of_customers(
                self._connection, self._merchant_id, missing
            )

    def _candidates(self, line: OrderLine) -> Iterable[PartnerId]:
        if coupon := self._coupons.get(line.coupon):
            yield coupon.partner_id
        if clicked := self._clicked_by(line):
            yield clicked.partner_id
        for touch in self._touches.get(line.customer_ref, {}).values():
            yield touch.partner_id

    def _clicked_by(self, line: OrderLine) -> Touch | None:
        return self._read(line.click_id) if line.click_id else None

    def _read(self, click_id: str) -> Touch | None:
        if click_id not in self._clicked:
            self._clicked[click_id] = self._read_receipt(click_id)
        return self._clicked[click_id]
