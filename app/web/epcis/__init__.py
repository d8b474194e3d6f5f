"""/epcis: the REST interface of EPCIS 2.0 (ISO/IEC 19987), capture and query, over the one store of events."""

from app.web.epcis import capture, queries, root, sockets, subscriptions

routers = (root.router, capture.router, queries.router, subscriptions.router, sockets.routes)
