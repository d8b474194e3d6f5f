"""Who has access: `onecode key create`, `onecode person create|reset`."""

from typing import Annotated
from uuid import UUID

import typer

from app.commands import database, made_key, written
from app.domain.rights import Role
from app.enrolling.keys import OPERATOR, MakeKey
from app.enrolling.passwords import hashed, temporary_password
from app.enrolling.persons import ChangePerson, EnrolPerson, change_persons, enrol_persons
from app.enrolling.sessions import find_by_login
from app.store import schema
from app.store.engine import reading

key = typer.Typer(help="密钥 · Keys.", no_args_is_help=True)
person = typer.Typer(help="人员 · Persons who log in.", no_args_is_help=True)


@key.command("create")
def create_key(
    role: Annotated[Role, typer.Option(help="角色 · what the key may do")],
    party: Annotated[UUID | None, typer.Option(help="主体 id · the party it speaks for")] = None,
    region: Annotated[str | None, typer.Option(help="GB/T 2260 区划前缀 · a regulator's region, e.g. 3301")] = None,
    device: Annotated[UUID | None, typer.Option(help="设备 id · the device it belongs to")] = None,
    name: Annotated[str | None, typer.Option(help="名称 · what to call it")] = None,
) -> None:
    """发放密钥，只显示一次 · Makes a key and prints it, once."""
    with database() as (_, engine):
        schema.require_head(engine)
        typer.echo(made_key(engine, MakeKey(OPERATOR, role, party, region, device, name)))


@person.command("create")
def create_person(
    login: Annotated[str, typer.Option(help="登录名 · login name")],
    name: Annotated[str, typer.Option(help="姓名 · what to call them")],
    role: Annotated[Role, typer.Option(help="角色 · what they may do")],
    party: Annotated[UUID | None, typer.Option(help="主体 id · the party they speak for")] = None,
    region: Annotated[str | None, typer.Option(help="GB/T 2260 区划前缀 · an office's region, e.g. 3301")] = None,
    email: Annotated[str | None, typer.Option(help="统一认证邮箱 · as an issuer of OpenID Connect names them")] = None,
) -> None:
    """登记人员，临时密码只显示一次 · Enrols a person and prints a password, once, to be changed at the first login."""
    password = temporary_password()
    command = EnrolPerson(OPERATOR, login, name, role, party, region, email, hashed(password))
    with database() as (_, engine):
        schema.require_head(engine)
        written(engine, enrol_persons, command)
        typer.echo(password)


@person.command("reset")
def reset_person(login: Annotated[str, typer.Argument(help="登录名 · login name")]) -> None:
    """重置密码并停用动态验证码 · A new password, one-time codes off, all logins ended, and no waiting."""
    password = temporary_password()
    with database() as (_, engine):
        schema.require_head(engine)
        with reading(engine) as snapshot:
            found = find_by_login(snapshot, login)
        if found is None:
            raise ValueError(f"没有此人 · there is no {login}")
        written(engine, change_persons, ChangePerson(OPERATOR, found.id, {}, hashed(password), forget_codes=True))
        typer.echo(password)
