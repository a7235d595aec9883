"""Learning as an operator does it: `adunion train`, then wait until the worker uses the model.

Never here: training. The one surprising fact: nothing is restarted and nobody is told; the worker
finds the published model by itself, and this page only watches for it. A model that the gate of
`adunion train` refuses is no failure: what serves goes on.
"""

import asyncio

from adserver import publication
from adserver.demo.phases import Stage
from adserver.demo.system import DemoError, model_in_force

MODELS = "ctr"
REFUSED = 3  # the exit code of `adunion train` when the gate says no
SWAP_LIMIT_S = 30.0
LOOK_EVERY_S = 0.1


async def learn(stage: Stage) -> str:
    """Trains on the log and waits for the swap; answers the version now in force.

    One thread, because a worker is serving on the other core.

    Raises:
        DemoError: nothing was published, or the worker did not take it up in time.
    """
    await stage.system.run("train", "--threads", "1", may_end_with=(REFUSED,))
    version = publication.current(stage.system.settings.data_dir / MODELS)
    if version is None:
        raise DemoError(f"adunion train published no model:\n{stage.system.log_tail()}")
    crowd = stage.crowd
    body = crowd.phones.body(0, 0, "which-model")[:-1] + b',"debug":true,"test":1}'
    headers = f"X-App-Key: {crowd.app_keys[crowd.phones.app_of(0)]}\r\n"
    seen = ""
    for _ in range(int(SWAP_LIMIT_S / LOOK_EVERY_S)):
        seen = await model_in_force(crowd.client, body, headers)
        if seen == version:
            return version
        await asyncio.sleep(LOOK_EVERY_S)
    raise DemoError(f"the worker still answers with {seen!r}, not with {version!r}")
