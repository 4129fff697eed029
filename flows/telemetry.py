"""Traces for OpenTelemetry: Prefect makes a span of every flow and task, this sends them where the environment says.

Off unless `OTEL_EXPORTER_OTLP_ENDPOINT` names a collector (and `sitrep[telemetry]` is installed). What leaves is listed
here, the rest is left out: names and ids of runs, times, states, the kind of an error, and the counts of a task. No
message of a state or of an error, which could name a file, and no value of a parameter.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from opentelemetry import trace

from pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
ATTRIBUTES = ("prefect.run.name", "prefect.run.type", "prefect.run.id", "prefect.state.type", "prefect.state.name",
              "exception.type")  # fmt: skip
COUNTS = "sitrep."


def start() -> None:
    """Send spans from now on, where the environment names a collector; again, it does nothing.

    ConfigurationError where the SDK is missing.
    """
    if not any(os.environ.get(name) for name in ENDPOINTS):
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
    except ImportError as error:
        raise ConfigurationError(f"{ENDPOINTS[0]} is set: pip install 'sitrep[telemetry]', or unset it") from error

    if isinstance(trace.get_tracer_provider(), TracerProvider):
        return

    class Bare(OTLPSpanExporter):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            return super().export([bare(span) for span in spans])

    provider = TracerProvider(resource=Resource.create({"service.name": "sitrep"}))
    provider.add_span_processor(BatchSpanProcessor(Bare()))
    trace.set_tracer_provider(provider)


@contextmanager
def run(name: str) -> Iterator[None]:
    """A span over a flow that Prefect runs in a process of its own, where nothing of ours comes before the flow.

    Prefect has begun the flow's span by then, which was not recorded. Where it was, there is none beside it.
    """
    start()
    if trace.get_current_span().is_recording():
        yield
        return
    with trace.get_tracer("sitrep").start_as_current_span(name):
        yield


def count(counts: Mapping[str, int]) -> None:
    """Add what a task counted to its span; nothing where none is recorded."""
    trace.get_current_span().set_attributes({f"{COUNTS}{name}": number for name, number in counts.items()})


def bare(span: ReadableSpan) -> ReadableSpan:
    """The span with what may leave and nothing else."""
    from opentelemetry.sdk.trace import Event, ReadableSpan

    def kept(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
        return {
            name: value
            for name, value in (attributes or {}).items()
            if name in ATTRIBUTES or (name.startswith(COUNTS) and isinstance(value, int))
        }

    return ReadableSpan(
        name=span.name, context=span.context, parent=span.parent, resource=span.resource, kind=span.kind,
        attributes=kept(span.attributes),
        events=[Event(event.name, kept(event.attributes), event.timestamp) for event in span.events],
        status=trace.Status(span.status.status_code), start_time=span.start_time, end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )  # fmt: skip
