"""What the market day leaves to look at, for a terminal."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console

from app.domain.rights import Role


@dataclass(frozen=True, slots=True)
class Page:
    """What to open: `what` in Chinese and English, and the path of its page."""

    what: str
    what_en: str
    path: str


@dataclass(frozen=True, slots=True)
class Key:
    who: str
    role: str
    key: str


@dataclass(frozen=True, slots=True)
class Login:
    """Of somebody who works at the desk."""

    who: str
    login: str
    password: str


# Persons of the demonstration: login name, name, role, region.
LOGINS = (
    ("demo.inspector", "值班检查员", Role.REGULATOR, "3301"),
    ("demo.auditor", "审计员", Role.AUDITOR, "3301"),
)


def show(public_url: str, pages: Sequence[Page], keys: Sequence[Key], logins: Sequence[Login]) -> None:
    """Prints what to open and whose key is whose; URLs and keys stand on lines of their own, whole, to be copied."""
    screen = Console(soft_wrap=True, highlight=False)
    screen.print("\n[bold]打开看看 · What to open[/]")
    for page in pages:
        screen.print(f"  {page.what} [dim]· {page.what_en}[/]\n    [cyan]{public_url}{page.path}[/]")
    screen.print("\n[bold]密钥 · Keys[/] [dim](Authorization: Bearer …)[/]")
    for key in keys:
        screen.print(f"  {key.who} [dim]· {key.role}[/]\n    [cyan]{key.key}[/]")
    screen.print(f"\n[bold]工作台 · The desk[/]\n    [cyan]{public_url}/desk/login[/]")
    for login in logins:
        screen.print(f"  {login.who}\n    [cyan]{login.login}[/]  [cyan]{login.password}[/]")
    held = next(page for page in pages if "held" in page.what_en)
    screen.print(
        "\n[bold]同一个码，不同的人看到不同的内容 · The same code says more to who may know more[/]\n"
        f'  curl -H "Accept: application/json" {public_url}{held.path}\n'
        f'  curl -H "Accept: application/json" -H "Authorization: Bearer {keys[1].key}" {public_url}{held.path}\n\n'
        "[bold]全部事件，按 EPCIS 2.0 · Every event, as EPCIS 2.0[/]\n"
        f'  curl -H "Authorization: Bearer {keys[1].key}" {public_url}/epcis/events\n'
    )
