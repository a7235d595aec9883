"""Who is calling: a role, the owner whose things may be seen, and the person or key that acts.

Never here: how it was proven (`adserver.accounts.sessions`, `adserver.accounts.keys`). The one
surprising fact: an operator owns everything, so `may_see` is the only question anybody asks.
"""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What an organisation is to the house."""

    ADVERTISER = "advertiser"
    PARTNER = "partner"
    MERCHANT = "merchant"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Identity:
    """A session's user or a key, and the organisation it acts for.

    `owner` is the advertiser's, partner's or merchant's id; "" for operators. `actor` is what the
    audit log says: an e-mail address, or "key:" and the key's id, or "command" for the command
    line. `session_id` is "" for keys.
    """

    role: Role
    owner: str
    actor: str
    organisation_id: str
    organisation_name: str = ""
    user_id: str = ""
    session_id: str = ""
    time_zone: str = "Asia/Shanghai"
    language: str = "en"

    @property
    def is_operator(self) -> bool:
        """Whether it runs the house."""
        return self.role is Role.OPERATOR

    def may_see(self, role: Role, owner: str) -> bool:
        """Whether the things of this owner are its own, or it is an operator."""
        return self.is_operator or (self.role is role and self.owner == owner)


COMMAND = Identity(Role.OPERATOR, "", "command", "")
"""Who acts at the command line: whoever can read the database."""
