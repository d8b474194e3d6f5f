"""Units of measure by UN/ECE Recommendation 20, as far as they convert exactly."""

from fractions import Fraction

_F = Fraction
_POUND = _F("0.45359237")
_FOOT = _F("0.3048")
_GALLON_US = _F("3.785411784")
_GALLON_UK = _F("4.54609")

# Dimension → code → how many of the base unit (the first) it is. Pounds, feet and gallons are exact by definition.
_FACTORS: dict[str, dict[str, Fraction]] = {
    "temperature": {"KEL": _F(1), "CEL": _F(1), "FAH": _F(5, 9), "A48": _F(5, 9)},
    "mass": {
        "KGM": _F(1), "GRM": _F(1, 10**3), "MGM": _F(1, 10**6), "MC": _F(1, 10**9), "TNE": _F(1000), "DTN": _F(100),
        "LBR": _POUND, "ONZ": _POUND / 16, "STN": _POUND * 2000, "LTN": _POUND * 2240, "CWA": _POUND * 100,
        "CWI": _POUND * 112, "STI": _POUND * 14, "GRN": _POUND / 7000, "APZ": _POUND * 480 / 7000,
    },
    "length": {
        "MTR": _F(1), "KMT": _F(1000), "DMT": _F(1, 10), "CMT": _F(1, 100), "MMT": _F(1, 1000), "4H": _F(1, 10**6),
        "C45": _F(1, 10**9), "FOT": _FOOT, "INH": _FOOT / 12, "YRD": _FOOT * 3, "SMI": _FOOT * 5280, "NMI": _F(1852),
    },
    "area": {
        "MTK": _F(1), "KMK": _F(10**6), "DMK": _F(1, 100), "CMK": _F(1, 10**4), "MMK": _F(1, 10**6), "HAR": _F(10**4),
        "FTK": _FOOT**2, "INK": (_FOOT / 12) ** 2, "YDK": (_FOOT * 3) ** 2, "MIK": (_FOOT * 5280) ** 2,
    },
    "volume": {
        "LTR": _F(1), "MTQ": _F(1000), "DMQ": _F(1), "CMQ": _F(1, 1000), "MMQ": _F(1, 10**6), "HLT": _F(100),
        "DLT": _F(1, 10), "CLT": _F(1, 100), "MLT": _F(1, 1000), "4G": _F(1, 10**6), "FTQ": (_FOOT * 10) ** 3,
        "INQ": (_FOOT * 10 / 12) ** 3, "YDQ": (_FOOT * 30) ** 3, "GLL": _GALLON_US, "GLI": _GALLON_UK,
        "OZA": _GALLON_US / 128, "OZI": _GALLON_UK / 160, "QTL": _GALLON_US / 4, "QTI": _GALLON_UK / 4,
        "PTL": _GALLON_US / 8, "PTI": _GALLON_UK / 8,
    },
    "time": {
        "SEC": _F(1), "C26": _F(1, 1000), "B98": _F(1, 10**6), "MIN": _F(60), "HUR": _F(3600), "DAY": _F(86_400),
        "WEE": _F(604_800),
    },
    "speed": {"MTS": _F(1), "KMH": _F(10, 36), "HM": _FOOT * 5280 / 3600, "KNT": _F(1852, 3600), "FS": _FOOT},
    "pressure": {
        "PAL": _F(1), "A97": _F(100), "KPA": _F(1000), "MPA": _F(10**6), "BAR": _F(10**5), "MBR": _F(100),
        "ATM": _F(101_325), "PS": _POUND * _F("9.80665") / (_FOOT / 12) ** 2,
    },
    "frequency": {"HTZ": _F(1), "KHZ": _F(10**3), "MHZ": _F(10**6), "A86": _F(10**9)},
    "energy": {"JOU": _F(1), "KJO": _F(1000), "WHR": _F(3600), "KWH": _F(3_600_000)},
    "power": {"WTT": _F(1), "KWT": _F(1000), "MAW": _F(10**6)},
    "voltage": {"VLT": _F(1), "2Z": _F(1, 1000), "KVT": _F(1000)},
    "current": {"AMP": _F(1), "4K": _F(1, 1000), "B84": _F(1, 10**6)},
    "fraction": {"C62": _F(1), "P1": _F(1, 100), "NX": _F(1, 1000), "59": _F(1, 10**6)},
    "pieces": {"H87": _F(1), "EA": _F(1), "DZN": _F(12)},
}  # fmt: skip
_KNOWN = {code: (dimension, factor) for dimension, codes in _FACTORS.items() for code, factor in codes.items()}
# What zero is in the base unit, of the units that do not begin at the base unit's zero.
_ZEROS = {"CEL": _F("273.15"), "FAH": _F("459.67") * _F(5, 9)}


def in_base(number: Fraction, code: str, *, difference: bool = False) -> tuple[str, Fraction]:
    """What the unit measures, and the number in the base unit of that; a unit that is not known is its own.

    difference: the number is one between two values (a deviation), so that a unit's zero does not matter.
    """
    dimension, factor = _KNOWN.get(code, (code, _F(1)))
    zero = _F() if difference else _ZEROS.get(code, _F())
    return dimension, number * factor + zero


# GS1 web vocabulary's measurement type → what is measured.
_TYPES = {
    "Temperature": "temperature", "Mass": "mass", "Length": "length", "Altitude": "length", "Area": "area",
    "Volume": "volume", "Time": "time", "Speed": "speed", "Pressure": "pressure", "Frequency": "frequency",
    "Energy": "energy", "Power": "power", "Voltage": "voltage", "ElectricCurrent": "current",
    "RelativeHumidity": "fraction", "AbsoluteHumidity": "density", "Illuminance": "illuminance", "Angle": "angle",
}  # fmt: skip


def misfit(measurement: str, code: str) -> str | None:
    """What the unit measures where that is not the measurement type; None where it is, or nobody here knows."""
    known, wanted = _KNOWN.get(code), _TYPES.get(measurement)
    return known[0] if known is not None and wanted is not None and known[0] != wanted else None
