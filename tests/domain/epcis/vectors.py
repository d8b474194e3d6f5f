"""Published documents that the tests read; `ONECODE_VECTORS` names their directory."""

import json
import os
from pathlib import Path
from typing import Any

ROOT = Path(os.environ.get("ONECODE_VECTORS", Path(__file__).parents[4] / "shared" / "vectors"))
HASHES = sorted((ROOT / "event-hash").glob("*.jsonld"))
EXAMPLES = sorted((ROOT / "gs1-epcis" / "examples").rglob("*.jsonld"))
TUNA = ROOT / "tuna-chain" / "tuna.jsonld"


def load(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document
