"""The five carriers against their simulators: real processes, real sockets, each vendor's own wire format."""

from typing import ClassVar

from domain.model import ShipmentStatus
from examples.distributor import dhl, fedex, ltl, ups, usps
from examples.distributor.journeys import ScanKind
from sources.carriers.dhl.adapter import DhlCarrier
from sources.carriers.fedex.adapter import BATCH as FEDEX_BATCH
from sources.carriers.fedex.adapter import FedexCarrier
from sources.carriers.ups.adapter import UpsCarrier
from sources.carriers.usps.adapter import UspsCarrier
from sources.carriers.x12_214.adapter import BATCH as MAILBOX_BATCH
from sources.carriers.x12_214.adapter import X12Carrier
from sources.config import SourceConfig
from tests.contract.journeys import JourneyContract, ProofContract, ReusedContract, TokenContract


class TestUps(ReusedContract, ProofContract, TokenContract):
    simulator, scacs, adapter, unknown = "ups", ("UPSN",), UpsCarrier, "1Z0000000000000000"

    @classmethod
    def config(cls, url: str) -> SourceConfig:
        return SourceConfig(
            "ups",
            url,
            client_id=ups.CLIENT_ID,
            client_secret=ups.CLIENT_SECRET,
            token_url=f"{url}/security/v1/oauth/token",
        )


class TestFedex(ReusedContract, ProofContract, TokenContract):
    simulator, scacs, adapter, unknown = "fedex", ("FDEG", "FDE"), FedexCarrier, "000000000000"
    batch = FEDEX_BATCH
    coarse: ClassVar = {ScanKind.RETURNED: (ShipmentStatus.DELIVERED,)}
    """Delivered, after its return began."""

    @classmethod
    def config(cls, url: str) -> SourceConfig:
        return SourceConfig(
            "fedex",
            url,
            client_id=fedex.CLIENT_ID,
            client_secret=fedex.CLIENT_SECRET,
            token_url=f"{url}/oauth/token",
        )


class TestUsps(ReusedContract, ProofContract, TokenContract):
    simulator, scacs, adapter, unknown = "usps", ("USPS",), UspsCarrier, "9400100000000000000000"
    coarse: ClassVar = {ScanKind.RETURNED: (ShipmentStatus.DELIVERED,)}
    untold = (ScanKind.VOIDED,)

    @classmethod
    def config(cls, url: str) -> SourceConfig:
        return SourceConfig(
            "usps",
            url,
            client_id=usps.CLIENT_ID,
            client_secret=usps.CLIENT_SECRET,
            token_url=f"{url}/oauth2/v3/token",
        )


class TestDhl(ProofContract):
    simulator, scacs, adapter, unknown = "dhl", ("DHLE",), DhlCarrier, "0000000000"
    coarse: ClassVar = {
        ScanKind.PICKED_UP: (ShipmentStatus.IN_TRANSIT,),
        ScanKind.OUT_FOR_DELIVERY: (ShipmentStatus.IN_TRANSIT,),
        ScanKind.AVAILABLE_FOR_PICKUP: (ShipmentStatus.IN_TRANSIT,),
        ScanKind.ATTEMPTED: (ShipmentStatus.EXCEPTION,),
        ScanKind.DELAYED: (ShipmentStatus.EXCEPTION,),
        ScanKind.RETURNING: (ShipmentStatus.EXCEPTION,),
        ScanKind.RETURNED: (ShipmentStatus.UNKNOWN,),
        ScanKind.VOIDED: (ShipmentStatus.UNKNOWN,),
    }
    """Five codes say less than what happened."""

    @classmethod
    def config(cls, url: str) -> SourceConfig:
        return SourceConfig("dhl", url, password=dhl.API_KEY)


class TestX12Mailbox(JourneyContract):
    simulator, scacs, adapter, unknown = "ltl", tuple(ltl.DIALECTS), X12Carrier, "00000000000"
    batch = MAILBOX_BATCH
    coarse: ClassVar = {ScanKind.EXCEPTION: (ShipmentStatus.EXCEPTION, ShipmentStatus.DELAYED)}
    """Only damage has a status code of its own."""

    @classmethod
    def config(cls, url: str) -> SourceConfig:
        return SourceConfig("ltl", url, username=ltl.USERNAME, password=ltl.PASSWORD)
