"""Prefect flows over the rooms of `pipeline`, and the command line.

Prefect sends usage data unless told not to before it is imported; Sitrep tells it not to.
"""

import os

os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")
