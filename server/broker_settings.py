"""The groups of settings about message brokers: those we hear, and the one our own events go out to."""

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from ingest.broker_lines import SCHEMES, BrokerConfig, PublishConfig, addresses
from server.sections import Section

KINDS = " ".join(f"{scheme}://" for scheme in SCHEMES)


def _reachable(value: SecretStr) -> SecretStr:
    """Empty is off. What is wrong is told without the address, which may hold a password."""
    if url := value.get_secret_value():
        addresses(url)
    return value


BrokerUrl = Annotated[SecretStr, AfterValidator(_reachable)]


class Broker(Section):
    """A message broker that brings one source's events."""

    url: BrokerUrl = Field(SecretStr(""), description=f"its address, beginning with one of {KINDS}; empty: off")
    subject: str = Field(min_length=1, description="the subject (NATS), topic (Kafka), queue (AMQP) or stream (Redis)")
    source: str = Field(min_length=1, description="the configured source whose events these are, such as erp")
    durable: str = Field("", description="who we are there, the same for all replicas; empty: crossdock-<NAME>")
    stream: str = Field(
        "", description="NATS only: the JetStream stream; empty: the one that holds the subject, or one of our own"
    )

    def config(self, name: str) -> BrokerConfig | None:
        """None: off."""
        url = self.url.get_secret_value()
        if not url:
            return None
        return BrokerConfig(name, url, self.subject, self.source, self.durable or f"crossdock-{name}", self.stream)


class Publish(Section):
    """Where our own events go, for the company's other systems."""

    url: BrokerUrl = Field(
        SecretStr(""), description=f"the broker's address, beginning with one of {KINDS}; empty: off"
    )
    subject: str = Field("crossdock.events", min_length=1, description="the subject, topic, queue or stream")
    stream: str = Field(
        "", description="NATS only: the JetStream stream; empty: the one that holds the subject, or one of our own"
    )

    def config(self, tenant: str) -> PublishConfig | None:
        """None: off."""
        url = self.url.get_secret_value()
        return PublishConfig(url, self.subject, self.stream, tenant) if url else None
