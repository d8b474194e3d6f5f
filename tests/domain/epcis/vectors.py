"""Published documents that the tests read; `ONECODE_VECTORS` names their directory. Without it the
tests that need them skip: those of the fixture `vectors`, and those that take their parameters from here."""

import json
import os
from pathlib import Path
from typing import Any

ROOT = Path(os.environ.get("ONECODE_VECTORS", Path(__file__).parents[4] / "shared" / "vectors"))
HASHES = sorted((ROOT / "event-hash").glob("*.jsonld"))
EXAMPLES = sorted((ROOT / "gs1-epcis" / "examples").rglob("*.jsonld"))
PAIRS = ROOT / "digital-link" / "epc_urn_to_digital_link.json"
URIS = ROOT / "digital-link" / "uri_vectors.json"
TUNA = ROOT / "tuna-chain" / "tuna.jsonld"


def pairs() -> list[dict[str, Any]]:
    """EPC URNs and Digital Links with the canonical form of each, None where it has none."""
    found: list[dict[str, Any]] = json.loads(PAIRS.read_text(encoding="utf-8")) if PAIRS.exists() else []
    return found


def load(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document
