"""Two machine instructions that numba does not offer by name.

Nothing else. The one surprising fact: asking for a row two ads ahead is worth a quarter of the
whole walk, because masks of many ads do not fit the processor's caches.
"""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]  # it comes without type hints
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array
from numpy.typing import NDArray

Emitter = Callable[[Any, Any, Any, Any], Any]
OfWord = Callable[[np.uint64], np.uint64]
OfPlace = Callable[[NDArray[np.uint64], int, int], None]

_array_of: Any = make_array
_codegen: Any = cgutils

_FOR_READING, _KEEP_CLOSE, _DATA = 0, 3, 1
_INT32 = ir.IntType(32)
_ADDRESS = ir.IntType(8).as_pointer()


def _count_zeros(_context: Any, word: Any) -> tuple[Any, Emitter]:
    def emit(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], context.get_constant(types.boolean, 1))

    return types.uint64(word), emit


def _ask_for(_context: Any, words: Any, _row: Any, _word: Any) -> tuple[Any, Emitter]:
    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = signature.args[0]
        array = _array_of(kind)(context, builder, arguments[0])
        place = _codegen.get_item_pointer(context, builder, kind, array, list(arguments[1:]))
        takes = ir.FunctionType(ir.VoidType(), [_ADDRESS, _INT32, _INT32, _INT32])
        ask = _codegen.get_or_insert_function(builder.module, takes, "llvm.prefetch.p0i8")
        how = [ir.Constant(_INT32, value) for value in (_FOR_READING, _KEEP_CLOSE, _DATA)]
        builder.call(ask, [builder.bitcast(place, _ADDRESS), *how])
        return context.get_dummy_value()

    return types.void(words, types.intp, types.intp), emit


lowest_bit = cast("OfWord", intrinsic(_count_zeros))
"""The number of a word's lowest one. Undefined for 0, which no pair of masks leaves."""

prefetch = cast("OfPlace", intrinsic(_ask_for))
"""Asks for the cache line of `words[row, word]`; does not wait for it."""
