"""A destination over AMQP 0-9-1, such as RabbitMQ: each item one persistent message, sent when the broker says it has it.

The broker confirms each message (publisher confirms), and one that no queue there would take comes back instead of
being lost (`mandatory`). The message id is the idempotency key, by which a consumer acts once.
"""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError, UnroutableError

from pipeline.errors import ConfigurationError
from pipeline.route.deadline import at_most
from pipeline.route.destinations import LOOPBACK, DeliveryFailed, Message, item_body, one_by_one

TIMEOUT_SECONDS = 15.0

# The client logs the beginning of a message that comes back, and with it what a report says.
logging.getLogger("pika").setLevel(logging.CRITICAL + 1)


@dataclass(frozen=True)
class Broker:
    """`routing_key`: for everything; without it, the queue's id. Of the queues in `minimal` ids and urgency alone are sent."""

    host: str
    port: int = 5671
    tls: bool = True
    virtual_host: str = "/"
    username: str = "guest"
    password: str = field(default="guest", repr=False)
    exchange: str = ""
    routing_key: str | None = None
    ca_file: str | None = None
    minimal: frozenset[str] = frozenset()
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def __post_init__(self) -> None:
        if not self.tls and self.host not in LOOPBACK:
            raise ConfigurationError(f"AMQP at {self.host}: without TLS only to this machine itself")

    def send(self, messages: Sequence[Message]) -> Mapping[str, datetime]:
        try:
            with self._connection() as (channel, wire):
                return one_by_one(messages, lambda message: self._publish(channel, wire, message), now=self.now)
        except (AMQPError, OSError) as error:
            raise self._failed(error, messages[0]) from error

    def _publish(self, channel: BlockingChannel, wire: _Wire, message: Message) -> None:
        properties = pika.BasicProperties(
            message_id=message.key, delivery_mode=2, content_type="application/json", type="item", app_id="sitrep",
            timestamp=int(self.now().timestamp()),
        )  # fmt: skip
        body, key = item_body(message, minimal=self.minimal), self.routing_key or message.queue
        try:
            with at_most(TIMEOUT_SECONDS, wire):
                channel.basic_publish(self.exchange, key, body, properties, mandatory=True)
        except (AMQPError, OSError) as error:
            raise self._failed(error, message) from error

    def _failed(self, error: Exception, message: Message) -> DeliveryFailed:
        # What comes back has nowhere to go there; the items of other queues may have.
        refused = isinstance(error, UnroutableError)
        return DeliveryFailed(f"AMQP at {self.host}: {type(error).__name__}", tried=[message.key], refused=refused)

    @contextmanager
    def _connection(self) -> Iterator[tuple[BlockingChannel, _Wire]]:
        """A channel on which the broker confirms, and the socket under it."""
        context = ssl.create_default_context(cafile=self.ca_file) if self.tls else None
        connection = pika.BlockingConnection(
            pika.ConnectionParameters(
                self.host, self.port, self.virtual_host, pika.PlainCredentials(self.username, self.password),
                ssl_options=pika.SSLOptions(context, self.host) if context else None, connection_attempts=1,
                socket_timeout=TIMEOUT_SECONDS, stack_timeout=TIMEOUT_SECONDS,
            )
        )  # fmt: skip
        wire = _Wire(connection)
        try:
            with at_most(TIMEOUT_SECONDS, wire):
                channel = connection.channel()
                channel.confirm_delivery()
            yield channel, wire
        finally:
            # What was confirmed is there, however the connection ends.
            with suppress(AMQPError, OSError), at_most(TIMEOUT_SECONDS, wire):
                connection.close()


@dataclass(frozen=True)
class _Wire:
    """The socket under a connection, for which the client has no public name."""

    connection: pika.BlockingConnection

    @property
    def sock(self) -> socket.socket | None:
        transport = getattr(self.connection._impl, "_transport", None)
        return getattr(transport, "_sock", None)
