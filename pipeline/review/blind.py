"""What is kept from reviewers so that a second review of a report is made without knowing the first.

The share of reports that the policy names is drawn by their id. From the first word on a drawn report until the second
review is in, no reviewer can read what another said of it or did with it. Supervisors can: they settle disagreements
and give no second reviews. Words of a restricted queue make a pair by themselves (`Policy.circle`).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row

from pipeline.access import Access
from pipeline.route import Policy
from pipeline.store import corrections, second_reviews


def kept_from(connection: Connection, seq: int, access: Access, policy: Policy) -> frozenset[str]:
    """The queues whose words on report `seq` are kept from a person for now; "" stands for words of no queue."""
    if access.supervises:
        return frozenset()
    shut = _blind(connection, seq, policy)
    return shut | {""} if any(not policy.queue(queue).restricted for queue in shut) else shut


def is_blind(connection: Connection, item: Row[Any], policy: Policy) -> bool:
    """Whether what was said where the item is waits for a second review."""
    return item.queue in _blind(connection, item.report, policy)


def follow(
    connection: Connection, item: Row[Any], *, word: int, closed: bool, policy: Policy, confirming: bool = False
) -> None:
    """Begin a pair with the correction `word`, or go on with one that waits for its second review.

    None begins once anybody said anything where others could read it, nor where a second person is `confirming` what the
    first one said, as with a critical item that is no violation.
    """
    circle = policy.circle(item.queue)
    pair = second_reviews.of_circle(connection, item.report, circle)
    if pair is None:
        said = [c for c in corrections.of_report(connection, item.report) if c.adjudicated or c.seq != word]
        open_word = any(c.body.get("queue") is None or c.body["queue"] in circle for c in said)
        drawn = corrections.second_review_due(item.report_id, share=policy.second_review)
        if drawn and not open_word and not confirming:
            second_reviews.begin(connection, item.report, queue=item.queue, first=word, closed=closed)
    elif pair.state in second_reviews.UNFINISHED:
        if confirming:
            second_reviews.give_up(connection, pair)
        else:
            second_reviews.go_on(connection, pair, queue=item.queue, first=word, closed=closed)


def _blind(connection: Connection, seq: int, policy: Policy) -> frozenset[str]:
    known = {queue.id for queue in policy.queues}
    circles = (policy.circle(queue) for queue in second_reviews.unfinished(connection, seq) if queue in known)
    return frozenset[str]().union(*circles)
