"""The network as an OpenVINO graph, built from the weight files alone: torch is never imported.

The operations are those of BERT (Devlin et al. 2019) with the heads of `models.network`; a test holds
the two to the same answers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset13 as op

Weights = dict[str, NDArray[np.float32]]


def build_graph(weights: Weights, *, heads: int = 12, epsilon: float = 1e-12) -> ov.Model:
    """Inputs `ids` and `attention` *(reports, tokens)*, int64.

    Outputs `logits` *(reports, 19)*, `contributions` *(reports, tokens, 19)*, `tokens` *(reports, tokens, 23)*.
    """
    ids = op.parameter([-1, -1], np.int64, name="ids")
    attention = op.parameter([-1, -1], np.int64, name="attention")
    length = op.gather(op.shape_of(ids), op.constant(np.int64(1)), op.constant(np.int64(0)))
    positions = op.range(op.constant(np.int64(0)), length, op.constant(np.int64(1)), "i64")
    embedding = "encoder.embeddings."
    hidden = op.gather(op.constant(weights[embedding + "word_embeddings.weight"]), ids, op.constant(np.int64(0)))
    position = op.gather(
        op.constant(weights[embedding + "position_embeddings.weight"]), positions, op.constant(np.int64(0))
    )
    hidden = op.add(op.add(hidden, position), op.constant(weights[embedding + "token_type_embeddings.weight"][:1]))
    hidden = _layer_norm(hidden, weights, embedding + "LayerNorm", epsilon)
    keep = op.convert(attention, "f32")
    # 0 where attended, a large negative number where padded: (reports, 1, 1, tokens)
    mask = op.unsqueeze(
        op.multiply(op.subtract(op.constant(np.float32(1)), keep), op.constant(np.float32(-1e4))),
        op.constant(np.array([1, 2], dtype=np.int64)),
    )
    layers = 1 + max(int(name.split(".")[3]) for name in weights if name.startswith("encoder.encoder.layer."))
    for number in range(layers):
        hidden = _layer(hidden, mask, weights, f"encoder.encoder.layer.{number}.", heads, epsilon)
    scores = op.matmul(hidden, op.constant(weights["labels.query.weight"]), False, True)
    padded = op.multiply(
        op.subtract(op.constant(np.float32(1)), op.unsqueeze(keep, op.constant(np.int64(2)))),
        op.constant(np.float32(-1e4)),
    )
    share = op.softmax(op.add(scores, padded), 1)
    contributions = op.multiply(share, op.matmul(hidden, op.constant(weights["labels.value.weight"]), False, True))
    logits = op.add(
        op.reduce_sum(contributions, op.constant(np.int64(1)), False), op.constant(weights["labels.bias"][None])
    )
    tokens = _linear(hidden, weights, "tokens")
    results = [op.result(node, name=name) for node, name in
               ((logits, "logits"), (contributions, "contributions"), (tokens, "tokens"))]  # fmt: skip
    return ov.Model(results, [ids, attention], "sitrep")


def _layer(hidden: Any, mask: Any, weights: Weights, name: str, heads: int, epsilon: float) -> Any:
    width = weights[name + "attention.self.query.weight"].shape[0]
    split = op.constant(np.array([0, 0, heads, width // heads], dtype=np.int64))
    order = op.constant(np.array([0, 2, 1, 3], dtype=np.int64))

    def projected(part: str) -> Any:
        return op.transpose(op.reshape(_linear(hidden, weights, f"{name}attention.self.{part}"), split, True), order)

    mixed = op.scaled_dot_product_attention(projected("query"), projected("key"), projected("value"), mask)
    joined = op.reshape(op.transpose(mixed, order), op.constant(np.array([0, 0, width], dtype=np.int64)), True)
    hidden = _layer_norm(
        op.add(_linear(joined, weights, name + "attention.output.dense"), hidden), weights,
        name + "attention.output.LayerNorm", epsilon,
    )  # fmt: skip
    wide = op.gelu(_linear(hidden, weights, name + "intermediate.dense"), "erf")
    return _layer_norm(
        op.add(_linear(wide, weights, name + "output.dense"), hidden), weights, name + "output.LayerNorm", epsilon
    )


def _linear(x: Any, weights: Weights, name: str) -> Any:
    product = op.matmul(x, op.constant(weights[name + ".weight"]), False, True)
    return op.add(product, op.constant(weights[name + ".bias"][None, None]))


def _layer_norm(x: Any, weights: Weights, name: str, epsilon: float) -> Any:
    normal = op.mvn(x, op.constant(np.array([-1], dtype=np.int64)), True, epsilon, "inside_sqrt")
    scaled = op.multiply(normal, op.constant(weights[name + ".weight"][None, None]))
    return op.add(scaled, op.constant(weights[name + ".bias"][None, None]))
