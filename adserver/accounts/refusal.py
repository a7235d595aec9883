"""What accounts refuse, with the field at fault, in the shape that every door understands.

Never here: what is refused.
"""

from adserver.marketplace.problem import CatalogError, Problem


def refusal(kind: str, entity_id: str, message: str, field: str = "") -> CatalogError:
    """The error that says what is wrong; pages show it at the field, REST calls answer 422."""
    return CatalogError(Problem(kind, entity_id, field, message))
