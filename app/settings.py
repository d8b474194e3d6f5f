"""Every setting of the service, from the environment with the prefix `ONECODE_`; refused at start-up where nonsense."""

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.domain.opening import read_opening
from app.domain.webhooks import Network, reach


class Settings(BaseSettings):
    """One frozen value, read in `main`, the command line and the migrations, and passed down."""

    model_config = SettingsConfigDict(env_prefix="ONECODE_", frozen=True, extra="ignore")

    database_url: str = Field("sqlite:///onecode.db", description="SQLite file or PostgreSQL, as a URL")
    public_url: str = Field("http://localhost:8000", description="what is printed into codes")
    secret_file: Path = Field(
        Path("onecode.secret"), description="the master secret of receipts; made when missing; part of the backup"
    )
    files_dir: Path = Field(Path("onecode-files"), description="where uploaded files are kept, by content")
    max_file_bytes: int = Field(10_000_000, ge=10_000, le=1_000_000_000, description="largest uploaded file")
    max_body_bytes: int = Field(
        8_000_000, ge=10_000, le=1_000_000_000, description="largest JSON body; NDJSON is streamed and has no limit"
    )
    capture_events: int = Field(
        100_000, ge=1, le=10_000_000, description="events of one EPCIS document posted to /epcis/capture"
    )
    capture_bytes: int = Field(
        64_000_000, ge=10_000, le=1_000_000_000, description="largest EPCIS document posted to /epcis/capture"
    )
    body_timeout_seconds: float = Field(
        30, ge=0.5, le=3_600, description="nothing of a request's body for so long: 408, and the connection is closed"
    )
    queue_limit: int = Field(20_000, ge=1_000, le=1_000_000, description="writes waiting before 503")
    trace_limit: int = Field(200_000, ge=10, le=10_000_000, description="nodes in one answer of /trace")
    sales_retention_days: int = Field(
        180, ge=7, le=3_650, description="sales that a scale brings later than this are not taken"
    )
    clock_skew_seconds: int = Field(
        300, ge=5, le=86_400, description="a device whose clock differs by more is an alert"
    )
    cache_bytes: int = Field(
        80_000_000, ge=1_000_000, le=64_000_000_000, description="answers to scans that a process keeps"
    )
    board_screens: int = Field(
        1_000, ge=0, le=100_000, description="screens that a process keeps up to date at a time; 503 beyond"
    )
    epcis_sockets: int = Field(
        200, ge=0, le=100_000, description="WebSockets to EPCIS queries that a process serves at a time; 503 beyond"
    )
    strict_identifiers: bool = Field(
        False, description="refuse licences and credit codes whose check digit fails, instead of warning"
    )
    address_scans_per_minute: int = Field(
        12_000, ge=60, le=1_000_000_000, description="scans from one address and process in a minute before 429"
    )
    wrong_codes_per_minute: int = Field(
        60, ge=5, le=1_000_000_000, description="unknown, mistyped or forged codes from one address before 429"
    )
    code_scans_per_second: int = Field(
        1_000, ge=5, le=1_000_000_000, description="scans of one code and process in a second before 429"
    )
    sweep_minutes: int = Field(
        15, ge=0, le=1_440, description="how often the books are gone through for what should be looked at; 0 for never"
    )
    market_hours: str = Field("06:00-19:00", description="when markets are open, for scales that fall silent")
    silent_hours: int = Field(4, ge=1, le=48, description="opening hours without a call of a scale that sells daily")
    archive_dir: Path = Field(Path("onecode-archive"), description="where records that are kept no longer are archived")
    rules_file: Path | None = Field(
        None, description="JSON of tolerances, yields and retention rules that come before the shipped ones"
    )
    places_file: Path | None = Field(
        None, description="CSV of networks and regions, for copies; only behind trusted proxies"
    )
    company_prefixes_file: Path | None = Field(
        None,
        description="JSON of GS1's GCP length table, to write Digital Links as EPC URNs for who asks",
    )
    oidc_issuer: str | None = Field(None, description="issuer of OpenID Connect for logins; its host alone is asked")
    oidc_client_id: str | None = Field(None, description="as the issuer knows this service")
    oidc_client_secret: SecretStr | None = Field(None, description="as the issuer gave it")
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="addresses of reverse proxies whose X-Forwarded-For is believed, separated by commas"
    )
    webhook_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="where webhooks may lead: erp.example.cn (https), *.example.cn, http://10.1.2.3:9000, …"
    )
    webhook_networks: Annotated[tuple[Network, ...], NoDecode] = Field(
        (), description="networks that webhooks may reach although they are not public, such as 10.1.2.0/24"
    )
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="DEBUG, INFO, WARNING or ERROR")

    @field_validator("public_url")
    @classmethod
    def _public_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
            raise ValueError("must be an http(s) URL without query, such as https://food.example.cn")
        return value.rstrip("/")

    @field_validator("webhook_hosts")
    @classmethod
    def _webhook_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        reach(value, ())
        return value

    @model_validator(mode="after")
    def _oidc(self) -> "Settings":
        if self.oidc_issuer is None:
            return self
        parts = urlsplit(self.oidc_issuer)
        loopback = parts.hostname in ("localhost", "127.0.0.1", "::1")
        if parts.scheme != "https" and not (parts.scheme == "http" and loopback):
            raise ValueError("ONECODE_OIDC_ISSUER must be an https URL, such as https://login.example.cn")
        if not self.oidc_client_id:
            raise ValueError("ONECODE_OIDC_ISSUER needs ONECODE_OIDC_CLIENT_ID")
        return self

    @field_validator("market_hours")
    @classmethod
    def _market_hours(cls, value: str) -> str:
        read_opening(value)
        return value

    @field_validator("trusted_proxies", "webhook_hosts", "webhook_networks", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value
