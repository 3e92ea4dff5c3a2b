"""Brokers are chosen by URL, are off when it is empty, and give nothing away."""

import pytest
from pydantic import ValidationError

from ingest.broker_lines import BrokerConfig, PublishConfig
from server.broker_settings import Broker, Publish

URL = "nats://crossdock:s3cret@nats.internal:4222"


def test_a_broker_has_names_of_its_own_at_the_server_unless_it_is_told_others() -> None:
    told = Broker.model_validate({"url": URL, "subject": "erp.>", "source": "erp"})
    assert told.config("north") == BrokerConfig("north", URL, "erp.>", "erp", "crossdock-north", "")
    other = Broker.model_validate(told.model_dump() | {"durable": "us", "stream": "ERP"})
    assert other.config("north") == BrokerConfig("north", URL, "erp.>", "erp", "us", "ERP")


def test_an_empty_url_is_off() -> None:
    assert Broker(subject="erp.>", source="erp").config("north") is None
    assert Publish().config("main") is None


def test_events_go_out_under_the_tenants_name() -> None:
    told = Publish.model_validate({"url": URL})
    assert told.config("main") == PublishConfig(URL, "crossdock.events", "", "main")


@pytest.mark.parametrize("url", ["http://a", "nats://", "redis://u:s3cret@a,b"])
def test_a_url_of_no_broker_is_refused_and_a_password_is_never_shown(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Publish.model_validate({"url": url})
    assert "s3cret" not in str(caught.value.errors(include_url=False, include_input=False))
    assert "s3cret" not in repr(Publish.model_validate({"url": URL}))
    assert "s3cret" not in repr(Publish.model_validate({"url": URL}).config("main"))
