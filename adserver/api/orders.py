"""`POST /v1/orders`: what merchants report, passed on to the console, which keeps the books.

Never here: the orders themselves (`api.order_wire`, `adserver.accounting`). The one surprising
fact: a stranger is turned away here already, by its key and signature alone; whether the key is
still the merchant's latest only the console knows.
"""

from datetime import UTC, datetime

from adserver.api import wire
from adserver.api.bearer import sender_of_body
from adserver.api.exchange import Answer, Request
from adserver.api.serving import Serving

KIND = "merchant"


async def receive(serving: Serving, request: Request) -> Answer:
    """What the console answers to a batch.

    Raises:
        UnauthorizedError: no merchant's key, or a forged or old signature.
        UnsupportedMediaTypeError: not declared as plain JSON.
        UnavailableError: no console answers.
    """
    headers = (request.headers.get("Authorization", ""), request.headers.get("X-Signature", ""))
    now_s = datetime.now(UTC).timestamp()
    sender_of_body(serving.keyring, KIND, headers, request.body, now_s)
    wire.require_json(request)
    return await serving.relay.pass_on(request)
