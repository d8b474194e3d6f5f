"""Every table, with the column it is distributed by on a sharded database.

`info["distributed_by"]` names that column; "replicated" marks small master data, copied to every shard; "local" marks
what one coordinator keeps. A distributed table has no foreign key, no sequence, and its distribution column is part of
its primary key and of every unique constraint.
"""

from app.store.tables.alerts import alert
from app.store.tables.base import metadata
from app.store.tables.capture_jobs import capture_job, capture_piece
from app.store.tables.captured import capture, packing, place_child, site_alias, vocabulary_attribute
from app.store.tables.cases import case_custody, case_file
from app.store.tables.complaints import complaint
from app.store.tables.custody import ONWARD, attachment, custody, custody_link, hold, lot, slip, slip_item, timeline
from app.store.tables.events import code, correction, event, flag
from app.store.tables.feed import feed
from app.store.tables.inspections import inspection
from app.store.tables.links import link
from app.store.tables.looks import look
from app.store.tables.master import api_key, device, document, external_code, master_version, party, product, site
from app.store.tables.persons import login_delay, person, session
from app.store.tables.published import epc_event, epcis_event, unpublishable, unpublished
from app.store.tables.recalls import recall, recall_answer, recall_notice, recall_place
from app.store.tables.sales import receipt, receipt_archived, receipt_claim, receipt_line
from app.store.tables.scales import device_report, price
from app.store.tables.scans import scan_count
from app.store.tables.standing import epcis_query, epcis_subscription
from app.store.tables.tasks import task
from app.store.tables.units import code_job, code_range
from app.store.tables.webhooks import delivery, webhook

__all__ = [
    "ONWARD",
    "alert",
    "api_key",
    "attachment",
    "capture",
    "capture_job",
    "capture_piece",
    "case_custody",
    "case_file",
    "code",
    "code_job",
    "code_range",
    "complaint",
    "correction",
    "custody",
    "custody_link",
    "delivery",
    "device",
    "device_report",
    "document",
    "epc_event",
    "epcis_event",
    "epcis_query",
    "epcis_subscription",
    "event",
    "external_code",
    "feed",
    "flag",
    "hold",
    "inspection",
    "link",
    "login_delay",
    "look",
    "lot",
    "master_version",
    "metadata",
    "packing",
    "party",
    "person",
    "place_child",
    "price",
    "product",
    "recall",
    "recall_answer",
    "recall_notice",
    "recall_place",
    "receipt",
    "receipt_archived",
    "receipt_claim",
    "receipt_line",
    "scan_count",
    "session",
    "site",
    "site_alias",
    "slip",
    "slip_item",
    "task",
    "timeline",
    "unpublishable",
    "unpublished",
    "vocabulary_attribute",
    "webhook",
]
