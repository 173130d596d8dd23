"""Where Traceward answers otherwise than the published vectors, each with its reason; docs/gs1.md shows the same table.

Only cases that a test really meets may stand here: test_vectors.py fails for a row that is no disagreement any more.
"""

UNKNOWN_AIS = "the case switches on the engine's 'permit unknown AIs'; we never accept an AI that has no rule"
PLAIN_DATA = "the engine hands on data of any symbol; we say that it is no GS1 data, and keep it in `data`"
PADDED = "GTIN-8, -12 and -13 occur in links; we pad to 14 digits with the warning gtin_padded"
SHORT_NAME = "key words such as /gtin/ and /lot/ were standard until URI Syntax 1.2 and are on labels"
BARE_GTIN = "the engine hands on the digits; we give the GTIN that they are"
SCHEME_CASE = "the scheme of a URI has no case (RFC 3986 section 3.1)"
MISSPELT = "the engine's word is misspelt (EXIPIRATION)"
HOOK = "the engine's test plugs in a company prefix service that refuses, or is offline; we have no such service"

# Vector file -> input -> reason.
DISAGREEMENTS: dict[str, dict[str, str]] = {
    "ai_linter_errors.json": {"(8110)0123456123456111101233200010": MISSPELT},
    "associations.json": {
        "(89)ABC(89)ABC(89)XYZ": UNKNOWN_AIS,
        "(89)ABC(89)XYZ(89)ABC": UNKNOWN_AIS,
        "(89)ABC(89)XYZ(89)XYZ": UNKNOWN_AIS,
        "(89)ABC(89)AB(89)ABC": UNKNOWN_AIS,
        "(89)ABC(89)ABCD(89)ABC": UNKNOWN_AIS,
        "(3333)333333(3338)030333": UNKNOWN_AIS,
        "(01)12345678901231(3333)333333(3338)030333": UNKNOWN_AIS,
        "(3338)030333(3333)333333": UNKNOWN_AIS,
        "(3300)000000(3333)333333(3338)030333": UNKNOWN_AIS,
    },
    "dl_parse.json": {
        "HtTp://a/b/00/006141411234567890": SCHEME_CASE,
        "https://a/gtin/12312312312333": SHORT_NAME,
        "https://a/01/2112345678900": PADDED,
        "https://a/01/416000336108": PADDED,
        "https://a/01/02345673": PADDED,
        "https://a/8004/9520614141234567?01=2112345678900": PADDED,
        "https://a/8004/9520614141234567?01=02345673": PADDED,
        "https://example.com/01/09520123456788?99=XYZ&89=ABC123": UNKNOWN_AIS,
    },
    "dl_generate.json": {
        "(01)12312312312326(99)000001(89)XXX(95)INT": UNKNOWN_AIS,
    },
    "scandata_process.json": {
        "]Q1": PLAIN_DATA,
        "]Q1TESTING": PLAIN_DATA,
        "]Q1^TESTING": PLAIN_DATA,
        "]Q1\\^TESTING": PLAIN_DATA,
        "]d1": PLAIN_DATA,
        "]d1TESTING": PLAIN_DATA,
        "]d1^TESTING": PLAIN_DATA,
        "]d1\\^TESTING": PLAIN_DATA,
        "]J0": PLAIN_DATA,
        "]J0TESTING": PLAIN_DATA,
        "]J0^TESTING": PLAIN_DATA,
        "]J0\\^TESTING": PLAIN_DATA,
    },
    "odd_cases.json": {
        "]E04012345678901": BARE_GTIN,
        "]E00012345678905": BARE_GTIN,
        "]d1010088888888888610LOT": PLAIN_DATA,
        "]Q1010088888888888610LOT": PLAIN_DATA,
        "]Q1https://example.com/x/01/888888888886/21/A%2FB": PADDED,
        "]Q1https://id.gs1.org/gtin/00888888888886/lot/L": SHORT_NAME,
        "]Q1https://id.gs1.org/01/12345670": PADDED,
    },
    "linters.json": {
        "couponcode EXIPIRATION": MISSPELT,
        "INVALID_GCP_PREFIX and GCP_DATASOURCE_OFFLINE": HOOK,
    },
    "urn-to-digital-link.json": {
        "urn:epc:idpat:upui:4012345.012345.*": "its link is that of the GTIN, which comes back as idpat:sgtin",
    },
}
