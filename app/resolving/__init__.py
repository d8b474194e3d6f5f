"""What a GS1 Digital Link leads to: our pages of what we know, and links that others have published."""

from app.resolving.finding import Family, Named, family, latest_lots, level_of_lot, resolve
from app.resolving.managing import (
    ChangeLink,
    Published,
    PublishLink,
    RemoveLink,
    change_links,
    find_link,
    list_links,
    publish_links,
    remove_links,
)
from app.resolving.printing import symbols

__all__ = [
    "ChangeLink",
    "Family",
    "Named",
    "PublishLink",
    "Published",
    "RemoveLink",
    "change_links",
    "family",
    "find_link",
    "latest_lots",
    "level_of_lot",
    "list_links",
    "publish_links",
    "remove_links",
    "resolve",
    "symbols",
]
