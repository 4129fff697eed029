"""Routing: a policy says which queues a report belongs to; every accepted report gets at least one.

>>> policy = load_policy()                                                          # doctest: +SKIP
>>> [item.queue for item in route(report, assessment, policy, taxonomy=taxonomy)]   # doctest: +SKIP
['investigations', 'protection-response']
"""

from pipeline.route.policy import Policy, Queue, load_policy
from pipeline.route.rules import route

__all__ = ["Policy", "Queue", "load_policy", "route"]
