"""Puts parameters into a statement, in the same way for every store.

Never here: statements. The one surprising fact: the text is finished on our side, because the
oldest server knows no parameters; all quoting is done here, by the driver's own rules.
"""

from collections.abc import Mapping
from typing import Any

from clickhouse_driver.util.escape import escape_params


def bind(sql: str, parameters: Mapping[str, Any] | None) -> str:
    """The statement with %(name)s replaced by quoted values.

    Untouched when there are no parameters.

    Values are texts, numbers, UUIDs, and lists or tuples of them (a tuple is what IN takes).
    """
    if not parameters:
        return sql
    bound: str = sql % escape_params(parameters, None)
    return bound
