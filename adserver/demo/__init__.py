"""The demo's parts: a made-up world, the system as a child process, the measuring and the report.

Never here: the order of events, which `commands.demo` tells. The one surprising fact: this is the
only room that sees both sides, our code and the strangers of `loadtest`, because somebody has to
hold the one against the other.
"""
