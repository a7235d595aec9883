"""What people ask the event log: delivery, forecast, audience, industry, the house live.

Never here: pages. The one surprising fact: no page counts raw events; it reads sums by the hour.
"""
