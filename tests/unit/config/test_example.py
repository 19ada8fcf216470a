"""The shipped files: they load, they show every setting that works, and nothing else."""

from pathlib import Path

import pytest

import config.load
from config.editor import gateway_json_schema
from config.load import load_gateway, shipped_profiles, write_key
from config.schema import GatewayConfig, Profile
from config.settings import ANY, all_settings
from config.tree import read_tree
from config.unavailable import IN_GATEWAY, IN_PROFILE, find

EXAMPLE = Path(config.load.__file__).parent / "gateway.yaml"


def _written(value, place=()):
    """Yield the place of every setting in a file's values, with ANY for names and positions, and above each."""
    yield place
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _written(item, (*place, key))
    elif isinstance(value, tuple):
        for item in value:
            yield from _written(item, (*place, ANY))


def _without_names(places, free):
    """Replace the names that a person chose: what stands one level under a place in `free`."""
    return {tuple(ANY if place[:index] in free else step for index, step in enumerate(place)) for place in places}


def _commented(file):
    """Return the words that end with a colon in the comments of a file."""
    return {
        key
        for line in file.read_text(encoding="utf-8").splitlines()
        if line.lstrip().startswith("#")
        for key in line.replace("{", " ").split()
        if key.endswith(":")
    }


def _never(table):
    """Return the settings that must not be written at all."""
    return {entry.place for entry in table if not entry.works}


def _unavailable(place, table):
    return any(place[: len(start)] == start for start in _never(table))


def test_the_example_loads_once_a_key_is_in_place(tmp_path):
    """Only the key file's place is changed."""
    write_key(tmp_path / "key")
    text = EXAMPLE.read_text(encoding="utf-8")
    assert text.count("key_file: /etc/sonoveil/key") == 1
    file = tmp_path / "gateway.yaml"
    file.write_text(text.replace("key_file: /etc/sonoveil/key", "key_file: key"), encoding="utf-8")

    loaded = load_gateway(file)

    assert [rule.name for rule in loaded.rules] == ["echo", "default"]


def test_every_setting_that_works_stands_in_the_example():
    """Whoever adds a setting shows and explains it."""
    written = _without_names(_written(read_tree(EXAMPLE).value), {("nodes",), ("rules", ANY, "when"), ("profiles",)})

    commented = _commented(EXAMPLE)  # these have no default that could be shown: they need files, or a host
    missing = {
        place
        for place in all_settings(GatewayConfig)
        if place not in written and not _unavailable(place, IN_GATEWAY)
        if not {"tls", "syslog", "dicomweb", "url", "token_file", "caller_token_file"} & set(place)
        or not {f"{step}:" for step in place[-2:] if step != ANY} <= commented
    }

    assert missing == set()


def test_every_setting_of_a_profile_stands_in_a_shipped_one():
    """Commented examples of rules and masks count, since shipped profiles have none."""
    files = shipped_profiles().values()
    written = {place for file in files for place in _written(read_tree(file).value)}
    commented = {key for file in files for key in _commented(file)}

    missing = {
        place
        for place in all_settings(Profile)
        if place not in written and not _unavailable(place, IN_PROFILE) and f"{place[-1]}:" not in commented
    }

    assert missing == {("name",)}


def test_the_shipped_files_show_only_what_works():
    """Nothing in them is unavailable."""
    assert list(find(read_tree(EXAMPLE).value, IN_GATEWAY)) == []
    for file in shipped_profiles().values():
        assert list(find(read_tree(file).value, IN_PROFILE)) == []


def test_what_the_example_calls_defaults_are_the_defaults(tmp_path):
    """A section that is left out means what the example shows."""
    write_key(tmp_path / "key")
    text = EXAMPLE.read_text(encoding="utf-8").replace("/etc/sonoveil/key", "key")
    (tmp_path / "full.yaml").write_text(text, encoding="utf-8")
    full = load_gateway(tmp_path / "full.yaml")

    assert full.storage == type(full.storage)(path=full.storage.path)
    for name, field in GatewayConfig.model_fields.items():
        if not field.is_required() and name != "profiles":
            assert getattr(full, name) == field.default, name


@pytest.mark.parametrize(("model", "table"), [(GatewayConfig, IN_GATEWAY), (Profile, IN_PROFILE)])
def test_every_line_about_what_does_not_work_is_about_a_setting(model, table):
    """A setting that was renamed cannot slip off the list."""
    places = {place[:length] for place in all_settings(model) for length in range(1, len(place) + 1)}

    for entry in table:
        assert entry.place in places | {("options", ANY)}, entry


def test_editors_get_a_schema_with_every_section_and_readable_defaults():
    """Durations and sizes are text with units there."""
    schema = gateway_json_schema()
    definitions = schema["$defs"]

    assert set(schema["properties"]) == set(GatewayConfig.model_fields)
    assert definitions["Send"]["properties"]["max_retry_delay"]["default"] == "15m"
    assert definitions["Storage"]["properties"]["reserve_space"]["default"] == "20GB"
    assert {"type": "string"} in definitions["Node"]["properties"]["host"]["anyOf"]
    assert "from" in definitions["Rule"]["properties"]
    assert schema["additionalProperties"] is False
