"""epcis2.js, the JavaScript client of EPCIS 2.0, against a running service: it builds events, captures and asks."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from app.store.engine import open_engine
from app.store.writer import Writer
from tests.support.cast import operator_key
from tests.support.databases import Database
from tests.support.server import serving

PACKAGE = {
    "name": "client",
    "version": "1.0.0",
    "private": True,
    "dependencies": {"epcis2.js": "2.7.3"},
    # It asks for a placeholder of Node's own module that not every registry has.
    "overrides": {"fs": "file:./fs"},
}
SCRIPT = """
const epcis = require("epcis2.js");
const [, , url, key] = process.argv;
const headers = { "content-type": "application/json", authorization: `Bearer ${key}` };
epcis.setup({ apiUrl: `${url}/epcis/`, headers, eventTimeZoneOffset: "+08:00" });

const lot = "https://id.gs1.org/01/06901234567892/10/A1";
const place = new epcis.BizLocation().setId("https://id.gs1.org/414/4012345000016");
const amount = new epcis.QuantityElement().setEpcClass(lot).setQuantity(120.5).setUom("KGM");
const event = (time, action, step) =>
  new epcis.ObjectEvent()
    .setEventTime(time).setEventTimeZoneOffset("+08:00").setAction(action).setBizStep(step)
    .setBizLocation(place).addQuantity(amount);
const unit = "urn:epc:id:sscc:4012345.0000000001";
const packed = new epcis.AggregationEvent()
  .setEventTime("2026-03-02T09:00:00+08:00").setEventTimeZoneOffset("+08:00").setAction("ADD").setBizStep("packing")
  .setBizLocation(place).setParentId(unit).addChildQuantity(amount);
packed.generateHashID({});

async function captured(document, options) {
  const job = new epcis.CaptureResponse(await epcis.capture(document, options));
  await job.pollForTheCaptureToFinish(100, 100);
  return { running: job.getRunningStatus(), success: job.getSuccessStatus(), errors: job.getErrors() };
}

const document = (...events) => {
  const made = new epcis.EPCISDocument().setCreationDate("2026-03-02T12:00:00+08:00");
  events.forEach((one) => made.addEvent(one));
  return made;
};

async function asked(query) {
  const answer = await fetch(`${url}/epcis/events?${query}`, { headers });
  const body = await answer.json();
  return { status: answer.status, type: body.type, events: body.epcisBody.queryResults.resultsBody.eventList };
}

(async () => {
  const made = event("2026-03-01T06:00:00+08:00", "ADD", epcis.cbv.bizSteps.commissioning);
  const good = await captured(document(made, packed));
  const wrong = event("2026-03-03T06:00:00+08:00", "OBSERVE", "eating");
  const bad = await captured(document(wrong), { documentValidation: false });
  console.log(JSON.stringify({
    good, bad, hash: packed.getEventID(),
    byClass: await asked(`MATCH_anyEPCClass=${encodeURIComponent(lot)}`),
    byParent: await asked(`MATCH_parentID=${encodeURIComponent(unit)}`),
  }));
})().catch((error) => { console.error(error); process.exit(1); });
"""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory in which the client is installed."""
    assert shutil.which("npm"), "the full pipeline has Node"
    place = tmp_path_factory.mktemp("client")
    (place / "fs").mkdir()
    (place / "fs" / "package.json").write_text(json.dumps({"name": "fs", "version": "0.0.1", "main": "index.js"}))
    (place / "fs" / "index.js").write_text('module.exports = require("node:fs");\n')
    (place / "package.json").write_text(json.dumps(PACKAGE))
    (place / "client.js").write_text(SCRIPT)
    options = ("--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
    subprocess.run(["npm", "install", *options], cwd=place, check=True, timeout=300)
    return place


@pytest.mark.soak
@pytest.mark.npm
def test_a_client_captures_and_asks(client: Path, database: Database, tmp_path: Path) -> None:
    engine = open_engine(database.url)
    writer = Writer(engine)
    key = operator_key(writer)
    writer.close()
    engine.dispose()
    with serving(tmp_path, database.url) as server:
        done = subprocess.run(
            ["node", "client.js", server.url, key], cwd=client, capture_output=True, text=True, timeout=120, check=False
        )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["good"] == {"running": False, "success": True, "errors": []}
    assert (told["bad"]["running"], told["bad"]["success"]) == (False, False)
    assert told["bad"]["errors"][0]["type"] == "epcisException:ValidationException"
    assert told["byClass"]["status"] == 200
    assert told["byClass"]["type"] == "EPCISQueryDocument"
    assert [event["type"] for event in told["byClass"]["events"]] == ["ObjectEvent", "AggregationEvent"]
    (packed,) = told["byParent"]["events"]
    assert packed["eventID"] == told["hash"], "its hash of the event is ours"
