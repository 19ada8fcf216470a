"""What no single section can see: rules against nodes and profiles, options against pixels.

Rule of the file: works on the values as read, so that these problems are found beside all others in one go. What has
the wrong type is skipped here; the models report it.
"""

from __future__ import annotations

import ipaddress
from itertools import combinations
from typing import TYPE_CHECKING, Any

from config.attributes import tag_of
from config.wording import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from config.problems import Place
    from config.profile import Profile

Found = tuple["Place", str]
_Rules = list[tuple["Place", "Mapping[str, Any]"]]


def check_gateway(raw: Mapping[str, Any], profiles: Mapping[str, Profile], known: tuple[str, ...]) -> Iterator[Found]:
    """Yield the place and wording of everything that does not fit together in a `gateway.yaml`.

    Parameters
    ----------
    raw
        The file's values as `config.tree` reads them.
    profiles
        The profiles that could be loaded.
    known
        The names of all profiles, those that could not be loaded included.
    """
    nodes = _mapping(raw.get("nodes"))
    rules: _Rules = [(("rules", index), _mapping(rule)) for index, rule in enumerate(_sequence(raw.get("rules")))]
    for place, rule in rules:
        yield from _rule_names(place, rule, nodes, known)
    yield from _order(rules)
    yield from _same_names(rules)
    yield from _one_look_per_project(rules, profiles)
    yield from _ambiguous_nodes(nodes)
    yield from _ports(raw)
    yield from _tls(raw, nodes)
    yield from _web_callers(raw, nodes)


def check_profile(raw: Mapping[str, Any]) -> Iterator[Found]:
    """Yield the place and wording of everything that does not fit together in a profile."""
    options = _sequence(raw.get("options"))
    pair = ("retain_longitudinal_full_dates", "retain_longitudinal_modified_dates")
    if all(option in options for option in pair):
        yield ("options", options.index(pair[1])), f"{pair[0]} and {pair[1]} exclude each other; remove one"
    pixels = _mapping(raw.get("pixels"))
    text = pixels.get("text", {}) is not None
    if "clean_pixel_data" in options and not text:
        yield ("pixels", "text"), "clean_pixel_data is claimed, but text stays; write `text: {where: everywhere}`"
    drawn = pixels.get("cone") is not None or pixels.get("masks") or pixels.get("ctp_script")
    if "clean_pixel_data" not in options and (text or drawn):
        yield (
            ("options",),
            (
                "pixels are cleaned, so add clean_pixel_data to `options`; "
                "or let text in pixels stay with `pixels: {text: null}` and no cone, masks and CTP script"
            ),
        )
    yield from _safe_private(options, _mapping(raw.get("private_tags")))
    yield from _same_tags(_sequence(raw.get("rules")))


def _safe_private(options: Sequence[Any], private_tags: Mapping[str, Any]) -> Iterator[Found]:
    """Find the option without its setting, which would claim what is not done, or the other way round."""
    claimed, kept = "retain_safe_private" in options, private_tags.get("keep_safe") is True
    if claimed and not kept:
        yield (
            ("options", options.index("retain_safe_private")),
            "retain_safe_private is claimed, but private attributes go; write `private_tags: {keep_safe: true}`",
        )
    if kept and not claimed:
        yield (
            ("private_tags", "keep_safe"),
            "safe private attributes stay, so add retain_safe_private to `options`; or write `keep_safe: false`",
        )


def _rule_names(
    place: Place, rule: Mapping[str, Any], nodes: Mapping[str, Any], known: tuple[str, ...]
) -> Iterator[Found]:
    for at, name in _names(place, rule, "from"):
        if name not in nodes:
            yield at, f"there is no node `{name}`{did_you_mean(name, tuple(nodes))}"
        elif _mapping(nodes[name]).get("allow_store") is not True:
            yield at, f"node `{name}` may not store; add `allow_store: true` to it"
    for at, name in _names(place, rule, "target"):
        if name not in nodes:
            yield at, f"there is no node `{name}`{did_you_mean(name, tuple(nodes))}"
        elif _mapping(nodes[name]).get("port") is None and _mapping(nodes[name]).get("url") is None:
            yield at, f"node `{name}` has no port, so nothing can be sent to it; add `port: 104` (or a `url`) to it"
    profile = rule.get("profile")
    if isinstance(profile, str) and profile not in known:
        guess = did_you_mean(profile, known) or f"; known: {', '.join(known)}"
        yield (*place, "profile"), f"there is no profile `{profile}`{guess}"


def _order(rules: _Rules) -> Iterator[Found]:
    for place, rule in rules[:-1]:
        if rule.get("fallback") is True:
            yield place, "the fallback rule must be the last one; move it to the end"
    if rules and rules[-1][1].get("fallback") is not True:
        yield rules[-1][0], "the last rule must be the fallback; add `- {name: default, fallback: true, action: hold}`"


def _same_names(rules: _Rules) -> Iterator[Found]:
    seen: set[str] = set()
    for place, rule in rules:
        name = rule.get("name")
        if isinstance(name, str) and name in seen:
            yield (*place, "name"), f"another rule is named `{name}` too; choose another name"
        elif isinstance(name, str):
            seen.add(name)


def _one_look_per_project(rules: _Rules, profiles: Mapping[str, Profile]) -> Iterator[Found]:
    """Find two rules that would send one project's images to one target in two looks under the same UIDs."""
    for (_, first), (place, second) in combinations(rules, 2):
        looks = [profiles.get(str(rule.get("profile"))) for rule in (first, second)]
        targets = [{name for _, name in _names(place, rule, "target")} for rule in (first, second)]
        if first.get("project") is None or first.get("project") != second.get("project") or not targets[0] & targets[1]:
            continue
        if looks[0] is not None and looks[1] is not None and looks[0].pixels != looks[1].pixels:
            yield (
                (*place, "profile"),
                (
                    f"rules `{first.get('name')}` and `{second.get('name')}` send project `{first.get('project')}` to "
                    f"the same node with different `pixels`; use one profile's pixels, or another project"
                ),
            )


def _ambiguous_nodes(nodes: Mapping[str, Any]) -> Iterator[Found]:
    for (first, one), (second, other) in combinations(nodes.items(), 2):
        one, other = _mapping(one), _mapping(other)  # noqa: PLW2901  what is no mapping is reported by the models
        if one.get("ae_title") is None or one.get("ae_title") != other.get("ae_title"):
            continue
        if any(_overlap(a, b) for a in _listed(one.get("host")) for b in _listed(other.get("host"))):
            yield ("nodes", second), f"same AE title and host as node `{first}`, so a caller cannot be told apart"


def _ports(raw: Mapping[str, Any]) -> Iterator[Found]:
    listener = _mapping(raw.get("listener")).get("port", 11112)
    if _mapping(raw.get("metrics")).get("port", 9108) == listener:
        yield ("metrics", "port"), f"the listener has port {listener} already; choose another one"
    web = _mapping(raw.get("dicomweb"))
    port = web.get("port", 8081)
    for name, taken in (("the listener", listener), ("metrics", _mapping(raw.get("metrics")).get("port", 9108))):
        if web and port == taken:
            yield ("dicomweb", "port"), f"{name} has port {port} already; choose another one"


def _tls(raw: Mapping[str, Any], nodes: Mapping[str, Any]) -> Iterator[Found]:
    ours = _mapping(_mapping(raw.get("listener")).get("tls"))
    web = _mapping(_mapping(raw.get("dicomweb")).get("tls"))
    asks = any(bool(one) and one.get("require_client_certificate", True) is True for one in (ours, web))
    for name, node in nodes.items():
        place = ("nodes", name, "tls")
        tls = _mapping(node).get("tls")
        url = _mapping(node).get("url")
        if tls is None and isinstance(url, str) and url.startswith("https:"):
            yield ("nodes", name, "url"), "write `tls: {trusted_certificates: FILE}`, the authority of its certificate"
        if not isinstance(tls, dict):
            continue
        if tls.get("client_name") is not None and not asks:
            yield (
                (*place, "client_name"),
                "callers show no certificate; write `listener: {tls: {require_client_certificate: true}}`",
            )
        calls = _mapping(node).get("port") is not None or url is not None
        if calls and tls.get("trusted_certificates") is None and ours.get("trusted_certificates") is None:
            yield place, "write `trusted_certificates: FILE`, the authority of this node's certificate"


def _web_callers(raw: Mapping[str, Any], nodes: Mapping[str, Any]) -> Iterator[Found]:
    """Find a DICOMweb service that nobody may use, and credentials for one that is not offered."""
    showing = [name for name, node in nodes.items() if _mapping(node).get("caller_token_file") is not None]
    if raw.get("dicomweb") is None:
        for name in showing:
            yield ("nodes", name, "caller_token_file"), "there is no service to call; add `dicomweb: {port: 8081}`"
        return
    certified = any(_mapping(_mapping(node).get("tls")).get("client_name") is not None for node in nodes.values())
    if not showing and not certified:
        yield ("dicomweb",), "no node may call it; add `caller_token_file` or `tls: {client_name: ...}` to one"


def _same_tags(rules: tuple[Any, ...]) -> Iterator[Found]:
    seen: set[str] = set()
    for index, rule in enumerate(rules):
        try:
            tag = tag_of(str(_mapping(rule).get("tag")))
        except ValueError:
            continue
        if tag in seen:
            yield ("rules", index), "another rule is for this attribute too; remove one"
        seen.add(tag)


def _overlap(one: str, other: str) -> bool:
    try:
        networks = [ipaddress.ip_network(host, strict=False) for host in (one, other)]
    except ValueError:
        return one.casefold() == other.casefold()
    return networks[0].version == networks[1].version and networks[0].overlaps(networks[1])


def _names(place: Place, rule: Mapping[str, Any], key: str) -> list[tuple[Place, str]]:
    written = rule.get(key)
    if isinstance(written, str):
        return [((*place, key), written)]
    return [((*place, key, at), name) for at, name in enumerate(_sequence(written)) if isinstance(name, str)]


def _listed(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(item for item in _sequence(value) if isinstance(item, str))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _sequence(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else ()
