"""Sitrep's rooms: intake, extract, classify, route, store (and review, which works on the store).

A report walks through them in that order. Each room knows the vocabulary (`pipeline.report`,
`pipeline.taxonomy`, `pipeline.settings`, `pipeline.errors`) and plain data, and can be used alone.
Nothing here imports torch, transformers, datasets or prefect.
"""
