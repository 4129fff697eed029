"""A version goes on from another: in smaller steps, and half of what it was is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

import flows.train
from flows.cli import app
from models.base import bundled_base
from models.network import build
from models.registry import find
from models.train import Recipe, _keep

WEIGHTS = find(None) / "weights.safetensors"


def test_half_of_the_weights_it_started_from_are_kept() -> None:
    network, before = build(bundled_base()), build(bundled_base(), weights=WEIGHTS)
    learnt = {name: tensor.clone() for name, tensor in network.named_parameters()}
    _keep(network, before, share=0.5)
    for name, old in before.named_parameters():
        torch.testing.assert_close(network.get_parameter(name), (learnt[name] + old) / 2)


def test_none_is_kept_unless_asked_for() -> None:
    network, before = build(bundled_base()), build(bundled_base(), weights=WEIGHTS)
    learnt = network.labels.query.weight.clone()
    _keep(network, before, share=Recipe().kept)
    torch.testing.assert_close(network.labels.query.weight, learnt)


def test_the_command_goes_on_in_smaller_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}
    monkeypatch.setattr(flows.train, "train_version", lambda out, **options: asked.update(options) or {})
    result = CliRunner().invoke(
        app, ["train", "--start", find(None).name, "--seed", "3", "--out", str(tmp_path / "next")]
    )
    assert result.exit_code == 0, result.output
    assert asked["start"] == find(None)
    assert asked["recipe"] == Recipe(seed=3).smaller_steps()
    CliRunner().invoke(app, ["train", "--out", str(tmp_path / "anew")])
    assert asked["start"] is None
    assert asked["recipe"] == Recipe()
