"""Items over AMQP, against a real RabbitMQ: confirmed, persistent, never lost for want of a queue."""

from __future__ import annotations

import json
import logging
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pika
import pytest
from pytest_socket import enable_socket

from pipeline.errors import ConfigurationError
from pipeline.route.amqp import Broker
from pipeline.route.destinations import DeliveryFailed
from tests import rabbitmq
from tests.route.test_webhook import ids_and_urgency, message

Queue = Any


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    if not rabbitmq.installed():
        pytest.skip("RabbitMQ is not installed")
    enable_socket()  # the fixture of that name is made anew for each test
    with tempfile.TemporaryDirectory(prefix="sitrep-") as folder, rabbitmq.broker(Path(folder)) as found:
        yield found


@pytest.fixture
def queue(port: int, socket_enabled: None) -> Iterator[Queue]:
    """A channel at the broker with the queue `investigations`, empty."""
    with rabbitmq.connection(port) as connection:
        channel = connection.channel()
        channel.queue_declare("investigations", durable=True)
        channel.queue_purge("investigations")
        yield channel


def made(port: int, **options: Any) -> Broker:
    return Broker("127.0.0.1", port, tls=False, **{**rabbitmq.USER, **options})


def taken(queue: Queue) -> list[tuple[pika.BasicProperties, dict[str, Any]]]:
    found = []
    while True:
        method, properties, body = queue.basic_get("investigations", auto_ack=True)
        if method is None:
            return found
        found.append((properties, json.loads(body)))


def test_each_item_is_one_persistent_message_under_its_key(port: int, queue: Queue) -> None:
    assert made(port).send([message(1), message(2)]) == {}
    first, second = taken(queue)
    assert [properties.message_id for properties, _ in (first, second)] == ["key-1", "key-2"]
    assert (first[0].delivery_mode, first[0].content_type) == (2, "application/json")
    assert first[1]["data"]["id"] == "A1"


def test_a_repeated_item_has_the_same_key(port: int, queue: Queue) -> None:
    made(port).send([message(1)])
    made(port).send([message(1)])
    assert [properties.message_id for properties, _ in taken(queue)] == ["key-1", "key-1"]


def test_an_item_that_no_queue_takes_comes_back_and_no_log_shows_it(
    port: int, queue: Queue, caplog: pytest.LogCaptureFixture
) -> None:
    items = [message(1), message(2, "nobodys", text="Aminatou Sekele saw it"), message(3)]
    with caplog.at_level(logging.DEBUG), pytest.raises(DeliveryFailed, match="UnroutableError") as caught:
        made(port).send(items)
    assert (caught.value.sent, caught.value.tried, caught.value.refused) == (["key-1"], ["key-2"], True)
    assert "Sekele" not in caplog.text
    assert len(taken(queue)) == 1


def test_of_a_restricted_queue_ids_and_urgency_alone_are_sent(port: int, queue: Queue) -> None:
    made(port, minimal=frozenset({"investigations"})).send([message(1)])
    ((_, body),) = taken(queue)
    assert body["data"] == ids_and_urgency("investigations")


def test_one_routing_key_for_everything(port: int, queue: Queue) -> None:
    made(port, routing_key="investigations").send([message(1, "archive")])
    assert [body["queue"] for _, body in taken(queue)] == ["archive"]


def test_a_full_queue_that_refuses_is_a_failure(port: int, queue: Queue) -> None:
    queue.queue_declare("narrow", arguments={"x-max-length": 1, "x-overflow": "reject-publish"}, auto_delete=True)
    with pytest.raises(DeliveryFailed, match="NackError") as caught:
        made(port, routing_key="narrow").send([message(n) for n in range(1, 9)])
    assert not caught.value.refused
    assert caught.value.sent


@pytest.mark.parametrize(
    ("options", "named"),
    [({"password": "wrong"}, "ProbableAuthenticationError"), ({"exchange": "nowhere"}, "ChannelClosedByBroker"),
     ({"virtual_host": "/nowhere"}, "ConnectionClosedByBroker|ProbableAccessDeniedError")],
)  # fmt: skip
def test_a_broker_that_does_not_let_us_is_a_failure(
    options: dict[str, Any], named: str, port: int, queue: Queue
) -> None:
    with pytest.raises(DeliveryFailed, match=named) as caught:
        made(port, **options).send([message(1), message(2)])
    assert (list(caught.value.sent), caught.value.tried, caught.value.refused) == ([], ["key-1"], False)


def test_no_broker_is_a_failure(socket_enabled: None) -> None:
    with pytest.raises(DeliveryFailed, match="AMQPConnectionError"):
        made(1).send([message(1)])


def test_a_broker_that_stops_confirming_is_given_up(port: int, queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy lets the connection be made, and then passes on nothing of what the broker says."""
    monkeypatch.setattr("pipeline.route.amqp.TIMEOUT_SECONDS", 1.0)
    listening = socket.create_server(("127.0.0.1", 0))

    def pump(source: socket.socket, target: socket.socket, until: bytes | None) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
                if until and until in data:
                    return

    def proxy() -> None:
        client, _ = listening.accept()
        server = socket.create_connection(("127.0.0.1", port))
        threading.Thread(target=pump, args=(client, server, None), daemon=True).start()
        confirm_selected = b"\x00\x55\x00\x0b"  # class and method of confirm.select-ok
        pump(server, client, confirm_selected)

    threading.Thread(target=proxy, daemon=True).start()
    with pytest.raises(DeliveryFailed, match="TimeoutError"):
        made(listening.getsockname()[1]).send([message(1)])
    listening.close()


def test_without_tls_only_this_machine_is_written_to() -> None:
    with pytest.raises(ConfigurationError, match="without TLS only to this machine"):
        Broker("broker.example.org", tls=False)
