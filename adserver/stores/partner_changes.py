"""Changes of partners, contracts, coupons and merchants, each checked and remembered.

Never here: how rows lie (`partners`) or how contracts follow each other (`affiliate.succession`).
The one surprising fact: every change takes the ledger's lock first, so no month closes and no order
is judged between the moment a change is found to be allowed and the moment it is there.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine, select

from adserver.config import Settings
from adserver.marketplace.fields import Kind
from adserver.marketplace.partnering import (
    PARTNER,
    Agreement,
    contract_kind,
    coupon_kind,
    faults,
    merchant_kind,
)
from adserver.marketplace.rules import require_sound
from adserver.stores import database, migrations, partners as stored
from adserver.stores.ledger import Journal
from adserver.stores.partner_lookup import merchant_of, partner_of, refusal
from adserver.stores.partners import Because
from adserver.stores.tables import APPS, PLACEMENTS
from affiliate.calendar import end_of
from affiliate.merchandise import Merchant
from affiliate.partner import Contract, Coupon, Partner, Standing
from affiliate.succession import Succession, SuccessionError, ended, succeed
from models.domain.ids import MerchantId, PartnerId


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a partner's life: from where it may be taken, where it leads, what it is called."""

    whence: frozenset[Standing]
    to: Standing
    done: str
    needs_reason: bool = False


STEPS: dict[str, Step] = {
    "approve": Step(
        frozenset({Standing.APPLIED, Standing.REJECTED}), Standing.APPROVED, "approved"
    ),
    "reject": Step(frozenset({Standing.APPLIED}), Standing.REJECTED, "rejected", True),
    "suspend": Step(frozenset({Standing.APPROVED}), Standing.SUSPENDED, "suspended", True),
    "restore": Step(frozenset({Standing.SUSPENDED}), Standing.APPROVED, "restored"),
}


def open_partners(settings: Settings) -> "SqlPartners":
    """The partners of the database that the settings name, its schema brought up to date.

    Raises:
        SettingError: no usable database address.
    """
    engine = database.connect(settings)
    migrations.upgrade(engine)
    return SqlPartners(engine, settings.currency, ZoneInfo(settings.time_zone))


class SqlPartners:
    """Where partners and what belongs to them are kept. Plain calls; control plane only.

    `currency` is the house's, in which contracts are written; months are those of `zone`.
    """

    def __init__(self, engine: Engine, currency: str, zone: ZoneInfo) -> None:
        self._engine = engine
        self.currency = currency
        self.zone = zone

    def close(self) -> None:
        """Closes the connections."""
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One state of the database, for the functions of `partners`."""
        with database.reading(self._engine) as connection:
            yield connection

    @contextmanager
    def changing(self, now: datetime, who: str = "") -> Iterator["PartnerChanges"]:
        """Changes of one instant and by one person, all of them or none."""
        with database.writing(self._engine) as connection:
            Journal(connection, self.zone).lock()
            yield PartnerChanges(connection, self.currency, self.zone, now, who)


@dataclass(frozen=True, slots=True)
class PartnerChanges:
    """Changes in an open transaction that holds the ledger's lock. `who` makes them."""

    connection: Connection
    currency: str
    zone: ZoneInfo
    now: datetime
    who: str = ""

    def apply(self, partner: Partner, why: str = "") -> Partner:
        """Adds a partner that waits for approval.

        Raises:
            CatalogError: its id is taken, or a field is not as it must be.
        """
        partner = replace(partner, standing=Standing.APPLIED, standing_reason=why)
        require_sound(faults(PARTNER, partner))
        if stored.partners_of(self.connection, [partner.partner_id]):
            raise refusal("partner", partner.partner_id, "is there already", "partner_id")
        stored.add_partner(self.connection, partner, self.now, self._because("applied", why))
        return partner

    def step(self, verb: str, partner_id: PartnerId, why: str = "") -> Partner:
        """Takes a step of `STEPS`; where it has been taken already, nothing changes.

        Raises:
            CatalogError: there is no such partner, the step does not lead on from where it is, or
                a reason is missing.
        """
        step, partner = STEPS[verb], partner_of(self.connection, partner_id)
        if partner.standing is step.to:
            return partner
        if partner.standing not in step.whence:
            whence = " or ".join(sorted(step.whence))
            message = f"is {partner.standing}; to {verb} is for partners that are {whence}"
            raise refusal("partner", partner_id, message, "standing")
        if step.needs_reason and not why.strip():
            message = f"to {verb} needs a reason, which the partner may ask for"
            raise refusal("partner", partner_id, message, "standing_reason")
        after = replace(partner, standing=step.to, standing_reason=why)
        require_sound(faults(PARTNER, after))
        stored.put_partner(self.connection, after, self.now, self._because(step.done, why))
        return after

    def edit(
        self, partner_id: PartnerId, change: Callable[[Partner], Partner], why: str = ""
    ) -> Partner:
        """Changes a partner's fields; its id and its standing stay.

        Raises:
            CatalogError: there is none, or a field is not as it must be.
        """
        before = partner_of(self.connection, partner_id)
        after = replace(
            change(before),
            partner_id=partner_id,
            standing=before.standing,
            standing_reason=before.standing_reason,
        )
        require_sound(faults(PARTNER, after))
        if after != before:
            because = self._because("changed", _told(PARTNER, before, after, why))
            stored.put_partner(self.connection, after, self.now, because)
        return after

    def add_merchant(self, merchant: Merchant, why: str = "") -> Merchant:
        """Adds a merchant.

        Raises:
            CatalogError: its id is taken, or a field is not as it must be.
        """
        kind = merchant_kind(merchant.currency)
        require_sound(faults(kind, merchant))
        if stored.merchant_of(self.connection, merchant.merchant_id):
            raise refusal(kind.name, merchant.merchant_id, "is there already", "merchant_id")
        stored.add_merchant(self.connection, merchant, self.now, self._because("added", why))
        return merchant

    def edit_merchant(
        self, merchant_id: MerchantId, change: Callable[[Merchant], Merchant], why: str = ""
    ) -> Merchant:
        """Changes a merchant; its id and its currency stay.

        Raises:
            CatalogError: there is none, or a field is not as it must be.
        """
        before = merchant_of(self.connection, merchant_id)
        kind, after = merchant_kind(before.currency), change(before)
        if after.currency != before.currency:
            message = f"stays {before.currency}: orders are in it; add another merchant instead"
            raise refusal(kind.name, merchant_id, message, "currency")
        require_sound(faults(kind, after))
        if after != before:
            because = self._because("changed", _told(kind, before, after, why))
            stored.put_merchant(self.connection, after, self.now, because)
        return after

    def agree_on(self, agreement: Agreement, version: int, why: str = "") -> Succession:
        """As `agree`, for a contract as it is written; one without a start begins at a midnight.

        Raises:
            CatalogError: as `agree`.
        """
        require_sound(faults(contract_kind(self.currency), agreement))
        contract = Contract(
            agreement.contract_id,
            version,
            agreement.partner_id,
            agreement.starts_at or self.now,
            agreement.terms(),
            agreement.ends_at,
            agreement.app_id,
            agreement.placement_id,
        )
        if agreement.starts_at is None:
            contract = replace(contract, starts_at=self.earliest_start(contract))
        return self.agree(contract, why)

    def agree(self, contract: Contract, why: str = "") -> Succession:
        """Adds a contract, or the next version of one: what it became, and what it ended.

        Raises:
            CatalogError: a term is not as it must be, the partner, its app or slot is not there, or
                it would change the past.
        """
        kind, contract_id = contract_kind(self.currency), contract.contract_id
        require_sound(faults(kind, Agreement.of(contract)))
        partner_of(self.connection, contract.partner_id)
        self._require_place(contract)
        self._require_next(contract)
        others = self._contracts_of(contract.partner_id)
        try:
            following = succeed(others, contract, self.now, self.open_from())
        except SuccessionError as error:
            raise refusal(kind.name, contract_id, str(error), "starts_at") from None
        for one in following.ended:
            because = self._because("ended", f"{contract_id} version {contract.version} begins")
            stored.put_contract(self.connection, one, self.now, because)
        stored.add_contract(self.connection, following.new, self.now, self._because("agreed", why))
        return following

    def earliest_start(self, contract: Contract) -> datetime:
        """Today's midnight where nothing was agreed in its place before, else the next one."""
        others = self._contracts_of(contract.partner_id)
        today = self.now.astimezone(self.zone).replace(hour=0, minute=0, second=0, microsecond=0)
        try:
            succeed(others, replace(contract, starts_at=today), self.now, self.open_from())
        except SuccessionError:
            return midnight_after(self.now, self.zone)
        return today

    def end_contract(self, version: Contract, moment: datetime, why: str = "") -> Contract:
        """Lets a version end at an instant to come.

        Raises:
            CatalogError: it would change the past, or there is nothing left to end.
        """
        try:
            after = ended(self._local(version), moment, self.now, self.open_from())
        except SuccessionError as error:
            kind = contract_kind(self.currency)
            raise refusal(kind.name, version.contract_id, str(error), "ends_at") from None
        stored.put_contract(self.connection, after, self.now, self._because("ended", why))
        return after

    def add_coupon(self, coupon: Coupon, why: str = "") -> Coupon:
        """Gives a code of a merchant to a partner, for good.

        Raises:
            CatalogError: it is somebody's already, begins in a closed month, or a field is wrong.
        """
        merchant = merchant_of(self.connection, coupon.merchant_id)
        partner_of(self.connection, coupon.partner_id)
        kind = coupon_kind(merchant.currency)
        require_sound(faults(kind, coupon))
        taken = stored.coupons_of(self.connection, coupon.merchant_id, [coupon.code])
        for owner in taken.values():
            message = f"is {owner.partner_id}'s at {owner.merchant_id} for good; choose another"
            raise refusal(kind.name, coupon.code, message, "code")
        open_from = self.open_from()
        if open_from is not None and coupon.starts_at < open_from:
            message = f"months before {open_from} are closed; choose that or later"
            raise refusal(kind.name, coupon.code, message, "starts_at")
        stored.add_coupon(self.connection, coupon, self.now, self._because("added", why))
        return coupon

    def end_coupon(self, coupon: Coupon, moment: datetime, why: str = "") -> Coupon:
        """Lets a coupon end at an instant to come; it stays its partner's.

        Raises:
            CatalogError: the instant is over, or not before the coupon's end.
        """
        kind = coupon_kind(self.currency)
        if moment <= self.now:
            message = "an end lies in the future: what was in force stays in force"
            raise refusal(kind.name, coupon.code, message, "ends_at")
        if coupon.ends_at is not None and coupon.ends_at <= moment:
            message = f"it ends earlier already, at {coupon.ends_at.astimezone(self.zone)}"
            raise refusal(kind.name, coupon.code, message, "ends_at")
        after = replace(coupon, ends_at=max(moment, coupon.starts_at))
        stored.put_coupon(self.connection, after, self.now, self._because("ended", why))
        return after

    def open_from(self) -> datetime | None:
        """The first moment of the first month that no currency has closed; None before any."""
        journal = Journal(self.connection, self.zone)
        merchants = stored.merchants(self.connection).values()
        currencies = {self.currency, *(merchant.currency for merchant in merchants)}
        closed = [journal.closed_through(currency) for currency in sorted(currencies)]
        return max((end_of(period, self.zone) for period in closed if period), default=None)

    def _because(self, what: str, why: str) -> Because:
        return Because(what, _storable(self.who, 100), _storable(why, 500))

    def _contracts_of(self, partner_id: PartnerId) -> list[Contract]:
        found = stored.contracts_of(self.connection, [partner_id])[partner_id]
        return [self._local(one) for one in found]

    def _local(self, contract: Contract) -> Contract:
        """The same with its instants on the house's clock, on which refusals name them."""
        starts_at, ends_at = contract.starts_at, contract.ends_at
        return replace(
            contract,
            starts_at=starts_at.astimezone(self.zone),
            ends_at=ends_at and ends_at.astimezone(self.zone),
        )

    def _require_place(self, contract: Contract) -> None:
        """An ad contract is for an app and a slot that are there and the partner's."""
        app_id = contract.app_id
        if contract.placement_id is not None:
            query = select(PLACEMENTS.c.app_id).where(
                PLACEMENTS.c.placement_id == contract.placement_id
            )
            found = self.connection.execute(query).scalar()
            if found is None or app_id not in (None, found):
                where = f" in app {app_id}" if app_id else ""
                message = f"there is no placement {contract.placement_id!r}{where}"
                raise refusal("contract", contract.contract_id, message, "placement_id")
            app_id = found
        if app_id is None:
            return
        owner = select(APPS.c.partner_id).where(APPS.c.app_id == app_id)
        if self.connection.execute(owner).scalar() != contract.partner_id:
            message = (
                f"app {app_id!r} is not this partner's; to make it so: "
                f"adunion app edit {app_id} --partner {contract.partner_id}"
            )
            raise refusal("contract", contract.contract_id, message, "app_id")

    def _require_next(self, contract: Contract) -> None:
        """Versions of a contract are counted from 1, without gaps, and keep partner and scope."""
        kind, contract_id = contract_kind(self.currency), contract.contract_id
        there = stored.versions_of(self.connection, contract_id)
        if contract.version != len(there) + 1:
            message = f"has {len(there)} versions; to add one: adunion contract extend"
            raise refusal(kind.name, contract_id, message, "contract_id")
        if there and _parties(there[0]) != _parties(contract):
            message = "a contract keeps its partner, app and placement; add another contract"
            raise refusal(kind.name, contract_id, message, "contract_id")


def midnight_after(now: datetime, zone: ZoneInfo) -> datetime:
    """When the house's next day begins."""
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), zone)


def _storable(text: str, most: int) -> str:
    """What every database keeps of a text from a command line."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()[:most]


def _told(kind: Kind, before: Any, after: Any, why: str) -> str:
    """What a change was of, and why: "email, sites (moved)"."""
    names = [
        field.name
        for field in kind.fields
        if getattr(before, field.attribute_name) != getattr(after, field.attribute_name)
    ]
    return ", ".join(names) + (f" ({why})" if why else "")


def _parties(contract: Contract) -> tuple[str | None, ...]:
    return contract.partner_id, contract.app_id, contract.placement_id
