"""`gateway.yaml` as frozen models: listener, nodes, storage, rules, sending, models, metrics.

Rule of the file: a section checks what can be seen inside it; what needs two sections is in `config.crosscheck`.
"""

import re
from datetime import timedelta
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from config.hosts import AETitle, BindHost, Host, Port, WebUrl, is_loopback, is_network
from config.profile import Profile
from config.rule import Rule
from config.section import ListOf, LocalPath, Name, NoRepeats, OneOrMany, Section
from config.units import Duration, Hours, Share, Size, Wait

_DAY = timedelta(days=1)
_MOST_WORKERS = 512
KEEP = "keep"
"""Objects leave in the transfer syntax that they have after de-identification."""
_UID = re.compile(r"(?=.{1,64}$)(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+")


class Timeouts(Section):
    """How long the listener waits.

    Parameters
    ----------
    association
        For the answer to an association message (ACSE).
    dimse
        For the rest of a message that has begun.
    idle
        For the next message before the association is closed.
    """

    association: Wait = timedelta(seconds=30)
    dimse: Wait = timedelta(seconds=60)
    idle: Wait = timedelta(minutes=10)


class Tls(Section):
    """TLS of the listener: its port speaks nothing else. PEM files; they are read again when they change.

    Parameters
    ----------
    certificate, private_key
        Ours, with the chain behind it. The key's file is for its owner only.
    trusted_certificates
        Authorities (or single certificates) to which a caller's certificate must lead back.
    require_client_certificate
        Whether a caller without a trusted certificate is turned away.
    """

    certificate: LocalPath
    private_key: LocalPath
    trusted_certificates: LocalPath | None = None
    require_client_certificate: bool = True

    @model_validator(mode="after")
    def _somebody_is_trusted(self) -> Self:
        if self.require_client_certificate and self.trusted_certificates is None:
            raise ValueError(
                "write `trusted_certificates: FILE`, the authorities of your callers' certificates, "
                "or `require_client_certificate: false`"
            )
        return self


class NodeTls(Section):
    """TLS towards one node. What is not written is taken from `listener.tls`.

    Parameters
    ----------
    certificate, private_key
        With which we call it.
    trusted_certificates
        Authorities to which its certificate must lead back when we call it.
    server_name
        The name its certificate must carry when we call it; None: the host.
    client_name
        A name that its certificate must carry when it calls us, beside its AE title and host.
    """

    certificate: LocalPath | None = None
    private_key: LocalPath | None = None
    trusted_certificates: LocalPath | None = None
    server_name: Host | None = None
    client_name: Annotated[str, Field(min_length=1, max_length=253)] | None = None

    @model_validator(mode="after")
    def _a_certificate_has_a_key(self) -> Self:
        if (self.certificate is None) != (self.private_key is None):
            raise ValueError("`certificate` and `private_key` are written together or not at all")
        return self


class Listener(Section):
    """The side that receives.

    Parameters
    ----------
    ae_titles
        The AE titles under which the node answers; the first is also used to call others.
    check_called_aet
        Whether an association for any other AE title is rejected.
    max_associations
        At the same time, in all processes together; one more is rejected (transient).
    processes
        How many processes receive. One is the node's own; more are beside it.
    reject_unknown_sources
        Whether a caller who is no node with `allow_store` or `allow_echo` is rejected.
    """

    ae_titles: Annotated[tuple[AETitle, ...], OneOrMany, Field(min_length=1), NoRepeats] = ("SONOVEIL",)
    host: BindHost = "0.0.0.0"  # noqa: S104  a gateway listens to its network; who may store is checked per node
    port: Port = 11112
    check_called_aet: bool = True
    max_associations: Annotated[int, Field(ge=1, le=10_000)] = 100
    processes: Annotated[int, Field(ge=1, le=64)] = 1
    timeouts: Timeouts = Timeouts()
    reject_unknown_sources: bool = True
    tls: Tls | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_title_is_a_list_of_one(cls, value: Any) -> Any:
        if isinstance(value, dict) and "ae_title" in value:
            if "ae_titles" in value:
                raise ValueError("`ae_title` and `ae_titles` say the same; write only `ae_titles: [...]`")
            value = {("ae_titles" if key == "ae_title" else key): item for key, item in value.items()}
        return value


class Node(Section):
    """A peer: a modality or PACS that sends to us, that we send to, or both.

    Parameters
    ----------
    ae_title
        Its AE title; empty for a node that speaks DICOMweb only.
    host
        Names, addresses or networks from which it may call. To be called it needs a `port`, and its first host that
        is no network is where it listens. For a caller of our DICOMweb service it may be left out.
    allow_store, allow_echo
        What it may do when it calls.
    patient_domain
        Whose patient IDs it uses; nodes of the same domain share pseudonyms.
    local_aet
        The AE title with which we call it; None: the listener's first.
    timeout
        How long we wait for its answers.
    max_associations
        How many we open to it at the same time.
    tls
        How it is called, and by which certificate it is known; None: it is called without TLS.
    storage_commitment
        Whether it is asked to commit to keep what it was sent; it may then call us to answer.
    commitment_timeout
        Without an answer for so long, it is asked again.
    check_existing
        Whether it is asked (C-FIND) for what it has, before anything is sent to it for the first time.
    transfer_syntaxes
        `keep`, or the UIDs of the transfer syntaxes that it takes, the preferred first.
    url
        Where its DICOMweb service is: it is sent to by STOW-RS, and needs no `port`.
    token_file
        With the bearer token that it is shown when it is called at `url`.
    caller_token_file
        With the bearer token that it must show when it calls our DICOMweb service.
    """

    ae_title: AETitle = ""
    host: Annotated[tuple[Host, ...], OneOrMany, Field(min_length=1), NoRepeats] = ()
    port: Port | None = None
    url: WebUrl | None = None
    token_file: LocalPath | None = None
    caller_token_file: LocalPath | None = None
    allow_store: bool = False
    allow_echo: bool = True
    patient_domain: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    local_aet: AETitle | None = None
    timeout: Wait = timedelta(seconds=60)
    max_associations: Annotated[int, Field(ge=1, le=100)] = 4
    tls: NodeTls | None = None
    storage_commitment: bool = False
    commitment_timeout: Wait = _DAY
    check_existing: bool = False
    transfer_syntaxes: Annotated[tuple[str, ...], OneOrMany, Field(min_length=1), NoRepeats] = (KEEP,)

    @model_validator(mode="after")
    def _dimse_needs_a_title_and_a_host(self) -> Self:
        is_web_only = self.port is None and (self.url is not None or self.caller_token_file is not None)
        missing = [name for name in ("ae_title", "host") if not getattr(self, name)]
        if missing and not is_web_only:
            raise ValueError(f"`{missing[0]}` is missing; add `{missing[0]}: ...`")
        return self

    @model_validator(mode="after")
    def _web_settings_fit_together(self) -> Self:
        if self.url is not None and self.port is not None:
            raise ValueError("it is sent to either at its `port` or at its `url`; remove one")
        if self.token_file is not None and self.url is None:
            raise ValueError("`token_file` is shown to a node that has a `url`; what callers show is caller_token_file")
        if (
            self.url is not None
            and self.token_file is not None
            and not self.is_encrypted
            and not is_loopback(self.web_host or "")
        ):
            raise ValueError("a token over http:// can be read by anybody on the way; write an https:// `url`")
        if self.caller_token_file is not None and not self.allow_store:
            raise ValueError("`caller_token_file` is for a node that may store; add `allow_store: true`")
        return self

    @model_validator(mode="after")
    def _a_port_needs_an_address(self) -> Self:
        if self.port is not None and self.address is None:
            raise ValueError("a node with a `port` needs a host that is no network; put its address first in `host`")
        if self.storage_commitment and self.url is not None:
            raise ValueError("DICOMweb has no storage commitment; a node with a `url` cannot be asked for it")
        if self.storage_commitment and self.port is None:
            raise ValueError("`storage_commitment` is asked of a node that is sent to; add its `port`")
        if self.check_existing and self.port is None:
            raise ValueError("`check_existing` asks a node that is sent to by C-STORE; add its `port`")
        return self

    @model_validator(mode="after")
    def _syntaxes_are_kept_or_listed(self) -> Self:
        if self.transfer_syntaxes == (KEEP,):
            return self
        for syntax in self.transfer_syntaxes:
            if not _UID.fullmatch(syntax):
                raise ValueError(
                    "`transfer_syntaxes` is `keep`, or a list of transfer syntax UIDs such as [1.2.840.10008.1.2.1]"
                )
        return self

    @property
    def listed_syntaxes(self) -> tuple[str, ...]:
        """The transfer syntaxes that it takes; empty where objects leave in the one they have."""
        return () if self.transfer_syntaxes == (KEEP,) else self.transfer_syntaxes

    @property
    def address(self) -> str | None:
        """The host to connect to: the first that is no network."""
        return next((host for host in self.host if not is_network(host)), None)

    @property
    def web_host(self) -> str | None:
        """The host of its `url`."""
        return None if self.url is None else urlsplit(self.url).hostname

    @property
    def is_encrypted(self) -> bool:
        """Whether its `url` is called with TLS."""
        return self.url is not None and self.url.startswith("https:")


class Retention(Section):
    """How long files stay once every delivery of an instance is done."""

    originals: Duration = timedelta(0)
    outputs: Duration = timedelta(days=3)
    sidecar: Duration = timedelta(days=30)


class Storage(Section):
    """Where everything lies.

    Parameters
    ----------
    reserve_space
        Bytes that stay free: below, associations for storage are rejected and C-STORE is answered with 0xA700.
    held_limit
        Share of the disk that one rule's held objects may fill; beyond it, that rule's objects are answered with
        0xA700.
    duplicates
        What happens to the same SOP Instance UID with other bytes.
    """

    path: LocalPath
    ledger: str = "sqlite"
    reserve_space: Annotated[Size, Field(json_schema_extra={"default": "20GB"})] = 20 * 10**9
    held_limit: Annotated[Share, Field(json_schema_extra={"default": "20%"})] = 0.2
    duplicates: Literal["hold", "replace"] = "hold"
    retention: Retention = Retention()


class Completion(Section):
    """When a study counts as complete, and whether that is waited for.

    Parameters
    ----------
    study_complete_trigger
        After so long without a new instance.
    release
        `instance`: each leaves when it is clean. `study`: nothing of a study leaves before it is complete, and while
        one of its instances is held or not yet processed.
    """

    study_complete_trigger: Wait = timedelta(minutes=15)
    release: Literal["instance", "study"] = "instance"


class Send(Section):
    """When a failed delivery is tried again.

    Parameters
    ----------
    retry_delay, retry_delay_multiplier, max_retry_delay
        The first wait, what each further one is multiplied by, and the longest.
    retry_max
        How many tries in all before a delivery has failed; 0 tries for ever. While a target does not answer, nothing
        is tried.
    off_peak
        When the results of rules with `priority: off_peak` leave.
    """

    retry_delay: Wait = timedelta(seconds=60)
    retry_delay_multiplier: Annotated[float, Field(ge=1, le=100)] = 2.0
    max_retry_delay: Wait = timedelta(minutes=15)
    retry_max: Annotated[int, Field(ge=0)] = 0
    off_peak: Hours = "20:00-06:00"

    @model_validator(mode="after")
    def _waits_are_in_order(self) -> Self:
        if self.retry_delay > self.max_retry_delay:
            raise ValueError("`retry_delay` must be at most `max_retry_delay`")
        return self


def _workers(written: Any) -> Any:
    if written != "auto" and not (type(written) is int and 1 <= written <= _MOST_WORKERS):
        raise ValueError(f"write auto, or a whole number from 1 to {_MOST_WORKERS}")
    return written


class Processing(Section):
    """The pool of worker processes.

    Parameters
    ----------
    workers
        How many; `auto` chooses from the machine.
    attempts
        How often an instance may take a worker down with it before it is held (`worker_crashed`).
    queue_limit
        While so many instances wait to be de-identified, senders are told to try again later; 0 sets no limit.
    """

    workers: Annotated[Literal["auto"] | int, BeforeValidator(_workers)] = "auto"
    attempts: Annotated[int, Field(ge=1, le=100)] = 3
    queue_limit: Annotated[int, Field(ge=0)] = 0


class ModelsConfig(Section):
    """Which models look at pixels, and on what.

    Parameters
    ----------
    device
        `auto` takes a GPU where there is one.
    text, cone
        A name of the model catalogue.
    """

    device: Literal["auto", "cpu", "cuda"] = "auto"
    text: Annotated[str, Field(min_length=1)] = "default"
    cone: Annotated[str, Field(min_length=1)] = "default"


class Secrets(Section):
    """Files with secrets; their content is never part of the configuration."""

    key_file: LocalPath


class Metrics(Section):
    """Where `/metrics`, `/healthz` and `/readyz` are served."""

    host: BindHost = "127.0.0.1"
    port: Port = 9108


class Web(Section):
    """The page for review and status."""

    host: BindHost = "127.0.0.1"
    port: Port = 8080
    users_file: LocalPath
    behind_proxy: bool = False


class SyslogTls(Section):
    """TLS towards the audit repository. PEM files; they are read again when they change.

    Parameters
    ----------
    trusted_certificates
        Authorities to which its certificate must lead back.
    certificate, private_key
        With which we call it; without them it is shown none.
    server_name
        The name its certificate must carry; None: the host.
    """

    trusted_certificates: LocalPath
    certificate: LocalPath | None = None
    private_key: LocalPath | None = None
    server_name: Host | None = None

    @model_validator(mode="after")
    def _a_certificate_has_a_key(self) -> Self:
        if (self.certificate is None) != (self.private_key is None):
            raise ValueError("`certificate` and `private_key` are written together or not at all")
        return self


class Syslog(Section):
    """An audit repository that takes syslog over TLS (RFC 5425, PS3.15 A.6); there is no other transport."""

    host: Host
    port: Port = 6514
    tls: SyslogTls

    @model_validator(mode="after")
    def _one_host(self) -> Self:
        if is_network(self.host):
            raise ValueError(f"{self.host} is a network; write the repository's name or address")
        return self


class Audit(Section):
    """How the audit leaves the node as DICOM Audit Messages (PS3.15 A.5); it is always kept in the ledger.

    Parameters
    ----------
    participants
        `none`: no message says anything of a patient or a study. `pseudonyms`: messages about an object that was
        de-identified name its new study and patient.
    syslog
        Where every message is sent; None: nowhere.
    """

    participants: Literal["none", "pseudonyms"] = "none"
    syslog: Syslog | None = None


class Dicomweb(Section):
    """Where nodes may store by DICOMweb (STOW-RS), beside the listener.

    Parameters
    ----------
    host
        Another than loopback needs `tls` or `behind_proxy`: tokens would be readable on the way.
    tls
        None: plain HTTP.
    behind_proxy
        Whether a proxy in front of it speaks TLS with the callers. Their addresses are then the proxy's.
    max_connections
        At the same time; one more is closed.
    max_request
        The longest body of a request.
    """

    host: BindHost = "127.0.0.1"
    port: Port = 8081
    tls: Tls | None = None
    behind_proxy: bool = False
    max_connections: Annotated[int, Field(ge=1, le=1_000)] = 50
    max_request: Annotated[Size, Field(json_schema_extra={"default": "20GB"})] = 20 * 10**9

    @model_validator(mode="after")
    def _tokens_travel_encrypted(self) -> Self:
        if self.tls is None and not self.behind_proxy and not is_loopback(self.host):
            raise ValueError(
                "another host than 127.0.0.1 needs `tls: {...}`, or `behind_proxy: true` behind one that has"
            )
        return self


class GatewayConfig(Section):
    """The whole of `gateway.yaml`, checked. Made by `config.load.load_gateway`.

    Parameters
    ----------
    profiles
        Every profile that a rule names or the file lists, by name; in the file: name to path.
    """

    listener: Listener = Listener()
    nodes: Annotated[dict[Name, Node], Field(min_length=1)]
    storage: Storage
    completion: Completion = Completion()
    rules: Annotated[tuple[Rule, ...], ListOf, Field(min_length=1)]
    send: Send = Send()
    processing: Processing = Processing()
    profiles: Annotated[
        dict[Name, Profile],
        WithJsonSchema({"type": "object", "additionalProperties": {"type": "string"}}),
    ] = {}  # noqa: RUF012  pydantic copies it
    models: ModelsConfig = ModelsConfig()
    secrets: Secrets
    metrics: Metrics = Metrics()
    audit: Audit = Audit()
    web: Web | None = None
    dicomweb: Dicomweb | None = None

    def calling_ae_title(self, node: str) -> str:
        """Return the AE title with which the node named is called."""
        return self.nodes[node].local_aet or self.listener.ae_titles[0]

    def tls_towards(self, node: str) -> NodeTls | None:
        """Return with what the node named is called, the listener's files filled in; None: without TLS."""
        tls, ours = self.nodes[node].tls, self.listener.tls
        if tls is None or ours is None:
            return tls
        filled: dict[str, Any] = {}
        if tls.certificate is None:
            filled |= {"certificate": ours.certificate, "private_key": ours.private_key}
        if tls.trusted_certificates is None:
            filled["trusted_certificates"] = ours.trusted_certificates
        return tls.model_copy(update=filled)
