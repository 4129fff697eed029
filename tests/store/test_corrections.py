"""What people say stands beside what models said, and over it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import krippendorff
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score
from sqlalchemy import insert

from pipeline.agreement import agreement, by_report, cohen_kappa, krippendorff_alpha
from pipeline.store import Store, audit, corrections
from pipeline.store.corrections import Verdict, second_review_due
from pipeline.store.schema import batch, report
from tests.conftest import NOW

pytestmark = pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")


def stored_report(store: Store) -> int:
    with store.write() as connection:
        connection.execute(insert(batch).values(id="b", fingerprint="f", submitted_at=NOW))
        made = connection.execute(
            insert(report).values(
                id="r1", batch="b", line=1, sha256="0", text="Two were beaten.", metadata={}, flags=[],
                received_at=NOW, normalised_sha256="0",
            )
        )  # fmt: skip
        return int(made.inserted_primary_key[0])


def test_an_adjudication_stands_over_later_corrections_and_all_are_kept(any_store: Store) -> None:
    seq = stored_report(any_store)
    with any_store.write() as connection:
        for who, types in (("ada", ["torture_ill_treatment"]), ("bo", [])):
            corrections.add(
                connection, seq, reviewer=who, violations=types, urgency="high", note=None, assessment=None, now=NOW,
                blind=who == "bo",
            )  # fmt: skip
        assert corrections.in_force(connection, [seq])[seq]["by"] == "ada"  # a blind second review stands beside
        corrections.adjudicate(
            connection, seq, adjudicator="su", violations=["torture_ill_treatment"], urgency="medium", note="read twice",
            now=NOW,
        )  # fmt: skip
        corrections.add(
            connection, seq, reviewer="cy", violations=[], urgency="low", note=None, assessment=None,
            now=NOW + timedelta(days=1), spans=[{"start": 0, "end": 3, "kind": "actor"}],
        )  # fmt: skip
        word = corrections.in_force(connection, [seq])[seq]
        assert (word["by"], word["urgency"], word["adjudicated"]) == ("su", "medium", True)
        said = list(corrections.verdicts(connection))
        assert [(v.by, v.blind, v.adjudicated) for v in said] == [
            ("bo", True, False), ("ada", False, False), ("cy", False, False), ("su", False, True),
        ]  # fmt: skip
        assert corrections.standing(said)["r1"].by == "su"
    with any_store.read() as connection:
        assert audit.verify(connection).broken_at is None


RATINGS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=40)


@given(pairs=RATINGS)
def test_kappa_is_what_scikit_learn_says(pairs: list[tuple[int, int]]) -> None:
    a, b = [p[0] for p in pairs], [p[1] for p in pairs]
    ours = cohen_kappa(a, b, levels=4)
    if ours is not None:
        assert ours == pytest.approx(cohen_kappa_score(a, b, weights="quadratic", labels=[0, 1, 2, 3]))
    else:
        assert a == b


@given(units=st.lists(st.lists(st.integers(0, 3), min_size=2, max_size=4), min_size=2, max_size=30))
def test_alpha_is_what_the_krippendorff_library_says(units: list[list[int]]) -> None:
    ours = krippendorff_alpha(units, levels=4)
    if ours is None:
        assert len({value for unit in units for value in unit}) == 1
        return
    table = np.full((4, len(units)), np.nan)
    for column, unit in enumerate(units):
        table[: len(unit), column] = unit
    assert ours == pytest.approx(
        krippendorff.alpha(table, level_of_measurement="interval", value_domain=[0, 1, 2, 3]), abs=1e-9
    )


def test_agreement_takes_each_persons_latest_word_and_leaves_out_the_adjudicator() -> None:
    def said(by: str, report_id: str, *types: str, at: datetime = NOW, adjudicated: bool = False) -> Verdict:
        return Verdict(report_id, by, at, types, "high", adjudicated=adjudicated)

    seen = by_report(
        [said("ada", "r1"), said("ada", "r1", "killing"), said("bo", "r1", "killing"), said("ada", "r2"), said("bo", "r2"),
         said("ada", "r3", "killing"), said("su", "r3", adjudicated=True)]
    )  # fmt: skip
    killing, torture, urgency = agreement(seen, violations=["killing", "torture"], urgencies=["low", "high"])
    assert (killing.reports, killing.pairs, killing.observed, killing.kappa, killing.alpha) == (2, 2, 1.0, 1.0, 1.0)
    assert (torture.kappa, urgency.kappa) == (None, None)
    apart, _, _ = agreement(
        seen, violations=["killing", "torture"], urgencies=["low", "high"], unsayable=[{"killing"}, ()]
    )
    assert (apart.pairs, apart.observed) == (1, 1.0)


def test_the_share_reviewed_twice_is_a_fixed_draw(now: Callable[[], datetime]) -> None:
    ids = [f"report-{i}" for i in range(4000)]
    drawn = {i for i in ids if second_review_due(i, share=0.1)}
    assert 300 < len(drawn) < 500
    assert drawn == {i for i in ids if second_review_due(i, share=0.1)}
    assert drawn <= {i for i in ids if second_review_due(i, share=0.2)}
    assert not any(second_review_due(i, share=0.0) for i in ids)
    assert all(second_review_due(i, share=1.0) for i in ids)
