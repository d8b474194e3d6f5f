"""/epcis: the REST interface of EPCIS 2.0 (ISO/IEC 19987), capture and query, over the one store of events."""

from app.web.epcis import capture, events, queries, resources, root, sockets, subscriptions

# Resources are whatever the others are not.
routers = (
    root.router, capture.router, queries.router, subscriptions.router, sockets.routes, events.router, resources.router,
)  # fmt: skip
