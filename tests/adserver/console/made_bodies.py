"""A body that a REST call takes, made from its type: what is required, and nothing else.

Never here: a test. The one surprising fact: the values mean nothing (a name is "xxx", a number 5),
so a call that takes such a body gets as far as looking for what its path names.
"""

from typing import Any

from msgspec import inspect

SIMPLE: dict[type[inspect.Type], Any] = {
    inspect.IntType: 5,
    inspect.BoolType: True,
    inspect.FloatType: 1.0,
    inspect.DateTimeType: "2026-11-22T00:00:00Z",
    inspect.DateType: "2026-11-22",
    inspect.DictType: {},
    inspect.AnyType: {},
}
SHORT = 3


def made_body(kind: Any) -> Any:
    """What decodes as `kind`, as plain JSON values.

    Raises:
        AssertionError: a type of which no value is known here.
    """
    return _of(inspect.type_info(kind))


def _of(info: inspect.Type) -> Any:
    found: Any
    match info:
        case inspect.StructType():
            found = {one.encode_name: _of(one.type) for one in info.fields if one.required}
        case inspect.StrType():
            found = "x" * max(info.min_length or 0, SHORT)
        case inspect.CollectionType():
            found = [_of(info.item_type)]
        case inspect.LiteralType():
            found = info.values[0]
        case inspect.EnumType():
            found = next(iter(info.cls)).value
        case inspect.UnionType():
            found = _of(next(one for one in info.types if not isinstance(one, inspect.NoneType)))
        case _:
            assert type(info) in SIMPLE, info
            found = SIMPLE[type(info)]
    return found
