"""A client of others, from npm: the URIs that it builds and compresses are resolved."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from app.web.service import Service
from tests.support.cast import Cast
from tests.support.freshness import settled
from tests.web.resolving import GTIN, PRODUCT, ROOT, shelf_of

pytestmark = [pytest.mark.soak, pytest.mark.npm, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]

PACKAGE = "digital-link.js@1.4.3"
BUILDS = """
const { DigitalLink, Utils } = require('digital-link.js');
const [domain, gtin] = process.argv.slice(2);
const link = (keyQualifiers, attributes = {}) =>
  DigitalLink({ domain, identifier: { '01': gtin }, keyQualifiers, attributes }).toWebUriString();
const lot = { '10': 'L-1' };
const built = [link({}), link(lot), link({ ...lot, '21': 'S-1' }), link(lot, { '17': '990131' })];
const compressed = built.slice(0, 2).map(uri => Utils.compressWebUri(uri));
console.log(JSON.stringify({ built, compressed }));
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    npm, node = shutil.which("npm"), shutil.which("node")
    assert npm is not None, "npm is not installed"
    assert node is not None, "node is not installed"
    place = tmp_path_factory.mktemp("client")
    (place / "package.json").write_text('{"private": true}')
    subprocess.run([npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", PACKAGE], cwd=place, check=True)
    (place / "builds.js").write_text(BUILDS)
    return place


def test_what_the_client_builds_is_resolved(package: Path, cast: Cast, service: Service) -> None:
    shelf = shelf_of(cast, service)
    # The client does not escape: a lot with a slash in its number is another path to it.
    made = cast.farm.record("produce", outputs=[cast.output(shelf.product, "9", "pcs", lot_number="L-1")])
    settled(service)
    done = subprocess.run(
        ["node", "builds.js", ROOT, GTIN], cwd=package, check=True, capture_output=True, text=True, timeout=60
    )
    told = json.loads(done.stdout)
    page = f"{ROOT}/c/{made['outputs'][0]['lot_code']}"
    assert told["built"][1] == f"{ROOT}{PRODUCT}/10/L-1"
    leads = [shelf.leads(uri.removeprefix(ROOT)) for uri in told["built"]]
    assert leads == [f"{ROOT}{PRODUCT}?linkType=all", page, page, f"{page}?17=990131"]
    for uri, compressed in zip(told["built"], told["compressed"], strict=False):
        answer = shelf.ask(compressed.removeprefix(ROOT))
        assert answer.status_code == 307
        assert f'<{uri}>; rel="owl:sameAs"' in answer.headers["link"]
