"""Numbers in their real formats: tracking numbers with their check digits, carton codes, and the ERP's own series."""

from collections.abc import Callable
from itertools import count
from random import Random

UPS_SHIPPER = "58A7E0"
UPS_GROUND = "03"
USPS_SERVICE_AND_MAILER = "9400136895"
GS1_COMPANY = "0899999"


def ups(rng: Random) -> str:
    """1Z, shipper, service, package and a check digit: letters count 2, 3, ... 9, 0 ...; even places count double."""
    body = f"{UPS_SHIPPER}{UPS_GROUND}{rng.randrange(10_000_000):07d}"
    return f"1Z{body}{ups_check_digit(body)}"


def ups_check_digit(body: str) -> int:
    digits = [int(c) if c.isdigit() else (ord(c) - 63) % 10 for c in body]
    return -(sum(digits[::2]) + 2 * sum(digits[1::2])) % 10


def usps(rng: Random) -> str:
    """22 digits, the last a mod 10 check digit (weights 3, 1 from the right)."""
    return _with_mod_10(f"{USPS_SERVICE_AND_MAILER}{rng.randrange(10**11):011d}")


def fedex(rng: Random) -> str:
    """12 digits, the last a check digit: weights 3, 1, 7 from the left, mod 11, mod 10."""
    body = f"{rng.randrange(2 * 10**10, 8 * 10**10):011d}"
    return f"{body}{fedex_check_digit(body)}"


def fedex_check_digit(body: str) -> int:
    return sum(int(digit) * (3, 1, 7)[at % 3] for at, digit in enumerate(body)) % 11 % 10


def dhl(rng: Random) -> str:
    """10 digits, the last the others mod 7."""
    body = rng.randrange(10**8, 10**9)
    return f"{body}{body % 7}"


def old_dominion(rng: Random) -> str:
    return f"{rng.randrange(10**10):011d}"


def saia(rng: Random) -> str:
    return f"{rng.randrange(10**11):012d}"


def own_fleet(rng: Random) -> str:
    return f"CD{rng.randrange(10**8):08d}"


TRACKING: dict[str, Callable[[Random], str]] = {
    "UPSN": ups,
    "FDEG": fedex,
    "FDE": fedex,
    "USPS": usps,
    "DHLE": dhl,
    "ODFL": old_dominion,
    "SAIA": saia,
    "CDOF": own_fleet,
}
"""By SCAC, how that carrier numbers a consignment."""


def sscc(serial: int) -> str:
    """A carton's serial shipping container code: 18 digits, the last a mod 10 check digit (GS1)."""
    return _with_mod_10(f"0{GS1_COMPANY}{serial:09d}")


def mod_10_check_digit(body: str) -> int:
    return -(3 * sum(map(int, body[::-2])) + sum(map(int, body[-2::-2]))) % 10


def _with_mod_10(body: str) -> str:
    return f"{body}{mod_10_check_digit(body)}"


class Series:
    """Consecutive numbers of one kind of record; every ``plain_every``-th has no prefix but leading zeros."""

    def __init__(self, prefix: str, first: int, *, plain_first: int, plain_every: int) -> None:
        self._prefix = prefix
        self._prefixed = count(first)
        self._plain = count(plain_first)
        self._plain_every = plain_every
        self._issued = 0

    def next(self) -> str:
        self._issued += 1
        if self._issued % self._plain_every == 0:
            return self.next_plain()
        return f"{self._prefix}{next(self._prefixed)}"

    def next_plain(self) -> str:
        return f"{next(self._plain):07d}"


class Numbering:
    """Every series the company's systems count with."""

    def __init__(self) -> None:
        self.order = Series("SO-", 104000, plain_first=10042, plain_every=23)
        self.invoice = Series("INV-", 204000, plain_first=7731, plain_every=19)
        self.credit_memo = Series("CM-", 30010, plain_first=512, plain_every=11)
        self.rma = Series("RMA-", 5010, plain_first=77, plain_every=9)
        self.shipment = Series("SH-", 700100, plain_first=90, plain_every=29)
        self.internal = count(500_001)
        self.line = count(88_100_201)
        self.carton = count(1_000)
