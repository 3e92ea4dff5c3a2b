"""The words the company's records are written in, sprinkled with every character that breaks careless code."""

from random import Random

FLOURISHES = (
    " & Sons",
    " <West>",
    ' "The Yard"',
    " O'Dell's",
    " ]]> Annex",
    "; DROP -- Ship",
    " 100% Local",
    " _North_",
    " \\ Dock\\n",
    " Łódź Żywiec",
    " 東京 金物",
    " &amp; Co.",
    " {{7*7}} $1",
    " Ångström ½″",
    "  ",
)
"""Endings of names and texts."""

EVERYTHING = " & < > \" ' ]]> ; -- % _ \\ &lt; {{7*7}} Ünïcødé łódź 東京 "
"""All metacharacters at once, spaces at both ends."""

COMPANY_FIRST = (
    "Harrow", "Birchfield", "Quarry", "Northgate", "Saltmarsh", "Kestrel", "Millrace", "Foundry", "Larkspur",
    "Ironbridge", "Copperhill", "Stonewater", "Pinecrest", "Redfern", "Blackwell", "Greywacke", "Tidewater",
    "Windrow", "Oxbow", "Thornbury", "Marlpit", "Cinder", "Hollow Oak", "Juniper", "Basalt",
)  # fmt: skip
COMPANY_SECOND = (
    "Industrial", "Fasteners", "Mechanical", "Hydraulics", "Electric", "Fabrication", "Supply", "Marine", "Tooling",
    "Plumbing", "Construction", "Packaging", "Agricultural", "Power", "Refrigeration",
)  # fmt: skip
STREETS = ("Mill Road", "Foundry Lane", "Canal Street", "Dock 4", "Industrial Parkway", "Harbor View", "Rue du Marché")
SITES = ("Main dock", "North plant", "Site office", "Tool crib", "Yard B", "Cold store", "Will call", "Assembly hall")

CITIES = (
    ("Columbus", "OH", "43085", "US", -300),
    ("Pittsburgh", "PA", "15201", "US", -300),
    ("Boston", "MA", "02118", "US", -300),
    ("Newark", "NJ", "07102", "US", -300),
    ("Atlanta", "GA", "30303", "US", -300),
    ("Holtsville", "NY", "00501", "US", -300),
    ("Chicago", "IL", "60607", "US", -360),
    ("Dallas", "TX", "75201", "US", -360),
    ("St. Louis", "MO", "63101", "US", -360),
    ("Duluth", "MN", "55802", "US", -360),
    ("Memphis", "TN", "38103", "US", -360),
    ("Denver", "CO", "80202", "US", -420),
    ("Phoenix", "AZ", "85003", "US", -420),
    ("Boise", "ID", "83702", "US", -420),
    ("Reno", "NV", "89501", "US", -480),
    ("Portland", "OR", "97201", "US", -480),
    ("Oakland", "CA", "94607", "US", -480),
    ("Anchorage", "AK", "99501", "US", -540),
    ("Toronto", "ON", "M5V 2T6", "CA", -300),
    ("Montréal", "QC", "H2Y 1C6", "CA", -300),
    ("Winnipeg", "MB", "R3C 1A5", "CA", -360),
    ("Calgary", "AB", "T2P 1J9", "CA", -420),
    ("Vancouver", "BC", "V6B 1A1", "CA", -480),
    ("St. John's", "NL", "A1C 1A1", "CA", -210),
)
"""City, region, postal code, country and standard time (minutes east of UTC)."""

WAREHOUSES = {
    "01": ("Columbus", "OH", "43085", "US", -300),
    "02": ("Reno", "NV", "89501", "US", -480),
    "C1": ("Toronto", "ON", "M5V 2T6", "CA", -300),
}

ODD_POS = (
    "PO#12/B & Sons",
    "00417",
    "' OR 1=1;--",
    "<PO>77</PO>",
    "100%_\\",
    "]]>4500",
    "注文-88",
    "  7781 ",
    "0",
    "00",
)
"""Purchase order numbers that several companies happen to use."""

MEMOS = (
    "INTERNAL: margin approved by pricing desk & <controller>",
    "INTERNAL: customer disputes last month's freight; do not mention",
    "INTERNAL: call credit before any change -- 60 days slow",
    "",
    "",
    "",
)
"""What order desks write for themselves; no customer may ever read it."""

CREDIT_NOTES = (
    "INTERNAL CREDIT NOTE: over limit, third broken promise to pay",
    "INTERNAL CREDIT NOTE: factor refused; watch for <insolvency>",
)

HOLD_REASONS = {
    "CREDIT": "INTERNAL HOLD: exceeds credit limit, owner called 'unreliable' & <late>",
    "ADDRESS": "INTERNAL HOLD: ship-to fails validation, sales rep to ask",
    "PRICE": "INTERNAL HOLD: price below floor; margin 4% -- manager to approve",
    "FRAUD": "INTERNAL HOLD: fraud score 91/100",
    "CUSTOMER": "INTERNAL HOLD: customer asked to wait",
}
"""The ERP's hold codes, each with the kind of text its users add."""

RETURN_REASONS = (
    "Damaged in transit",
    "Wrong item <shipped>",
    "Ordered too many",
    'Does not fit; 1/2" needed',
    "Defective & leaking",
)
DISPOSITIONS = ("RESTOCK", "SCRAP", "VENDOR", None)

DELAYS = ("Weather & road closure", "Mechanical failure", "Credit Hold", "Late trailer <arrival>")
EXCEPTIONS = ("Address incomplete; apt # missing", "Damaged carton", "Refused by 'receiving'", "Customs > docs missing")
SIGNATURES = ("DOCK", "FRONT DESK", "RECEIVING <2>", "WILL CALL & CO", "SHOP", "Ä. EMPFANG")


def flourished(rng: Random, text: str, share: float = 0.3) -> str:
    """``text``, in some cases with an ending that careless code trips over."""
    return text + rng.choice(FLOURISHES) if rng.random() < share else text
