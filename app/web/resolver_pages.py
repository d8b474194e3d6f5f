"""What a person sees of a Digital Link that leads to no one page: its links to choose from, and of a product what is on
record."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from markupsafe import Markup

from app.domain.links import short_type
from app.domain.linksets import Link, Resolution
from app.domain.rows import Lot
from app.web.i18n import Language, Words
from app.web.pages import STYLE, environment


def links_page(
    found: Resolution, links: tuple[Link, ...] | None, lots: Sequence[Lot], query: str, language: Language
) -> bytes:
    """All links of all levels, or those that a request could not tell apart; and lots of the product."""
    words = Words(language)
    listed = [link for level in found.levels for link in level.links] if links is None else list(links)
    rows = [
        {
            "href": link.target(query) if links is not None else link.href,
            "title": link.title,
            "type": short_type(link.type),
            "languages": link.hreflang,
            "host": urlsplit(link.href).hostname,
        }
        for link in listed
        if not (link.own and link.href.endswith("?linkType=all"))  # this page
    ]
    rendered = environment.get_template("resolver.html").render(
        words=words,
        t=words.t,
        style=Markup(STYLE.decode()),
        description=found.description,
        pairs=found.asked.pairs,
        rows=rows,
        choice=links is not None,
        lots=lots,
        asked="&".join(part for part in query.split("&") if part and not part.startswith("lang=")),
    )
    return rendered.encode()
