"""What kernels look at for every ad, laid out as records: one cache line or two for each row.

Only layouts live here; the catalog fills them, the stages read them. The one surprising fact: as
columns the same fields cost a third more of the whole decision, because each ad of a slate touches
a cache line in every column it is asked about.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Records = NDArray[np.void]
Record = Any
"""One of them inside a kernel, where its fields are attributes."""

UNLIMITED = 2**62
"""A budget of which nothing is said."""
CPM, CPC, CPA, CPS = 0, 1, 2, 3
"""What a line item pays for, as `ITEM` has it."""

AD = np.dtype([("line_item", np.int32), ("advertiser", np.int32)])
"""An ad: the row of its line item, and the number of its advertiser."""

ITEM = np.dtype(
    [
        ("starts_ms", np.int64),
        ("ends_ms", np.int64),
        ("hours", np.uint64, (3,)),
        ("event_bid", np.int64),
        ("daily", np.int64),
        ("total", np.int64),
        ("caps_from", np.int32),
        ("caps_to", np.int32),
        ("zone", np.int16),
        ("pricing", np.int8),
        ("paced", np.bool_),
    ],
    align=True,
)
"""A line item: its flight [starts, ends) in Unix milliseconds and 168 bits of local hours; its bid
for one billable event and its budgets in micros; its caps as a range of rows; the number of its
time zone; what it pays for; whether it is paced."""
