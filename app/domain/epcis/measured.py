"""Which units measure what, as far as it is beyond doubt: UN/ECE Recommendation 20 codes of common quantities."""

_CODES = {
    "Temperature": "CEL FAH KEL A48",
    "Mass": "KGM GRM MGM MC TNE LBR ONZ DTN",
    "Length": "MTR CMT MMT DMT KMT INH FOT YRD SMI NMI",
    "Speed": "MTS KMH HM KNT",
    "Time": "SEC MIN HUR DAY WEE MON ANN C26",
    "Volume": "LTR MLT CLT DLT HLT MTQ DMQ CMQ",
    "Pressure": "PAL A97 KPA MPA BAR MBR",
    "Illuminance": "LUX",
    "Area": "MTK CMK MMK KMK HAR",
    "Frequency": "HTZ KHZ MHZ A86",
    "Power": "WTT KWT MAW",
    "Voltage": "VLT 2Z KVT",
    "ElectricCurrent": "AMP 4K",
}
_MEASURED = {code: kind for kind, codes in _CODES.items() for code in codes.split()}
# Types without a unit of their own in the list above, which all of its units are wrong for.
_OTHERS = frozenset(("RelativeHumidity", "AbsoluteHumidity", "Angle"))


def misfit(kind: str, uom: str) -> str | None:
    """What `uom` measures where that is not the measurement type `kind`; None where it may be right."""
    kind = "Length" if kind == "Altitude" else kind
    measured = _MEASURED.get(uom)
    return measured if measured != kind and (kind in _CODES or kind in _OTHERS) else None
