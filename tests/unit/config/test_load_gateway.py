"""`gateway.yaml`: what is right gives one object, what is wrong gives every problem with its line."""

import dataclasses
import json
import pickle
import time
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from config.load import ConfigurationError, Problem, load_gateway
from config.schema import GatewayConfig


def _marked(text):
    """Return the line that carries the mark `# <-`."""
    return next(number for number, line in enumerate(text.splitlines(), 1) if "# <-" in line)


def test_a_good_file_gives_one_frozen_object_with_the_defaults(gateway_file, folder):
    """Durations, sizes and relative paths have become values."""
    config = load_gateway(gateway_file())

    assert config.listener.timeouts.idle == timedelta(minutes=10)
    assert config.storage.reserve_space == 20 * 10**9
    assert config.storage.path == folder / "store"
    assert config.secrets.key_file == folder / "secret" / "key"
    assert config.nodes["research"].host == ("10.0.1.7",)
    assert config.nodes["research"].timeout == timedelta(seconds=60)
    assert config.processing.workers == "auto"
    assert (config.storage.held_limit, config.processing.queue_limit) == (0.2, 0)
    assert config.completion.study_complete_trigger == timedelta(minutes=15)
    assert config.completion.release == "instance"
    assert config.rules[0].sources == ("clinical",)
    assert config.rules[-1].action == "hold"
    assert list(config.profiles) == ["research"]
    with pytest.raises(ValidationError, match="frozen"):
        config.storage.path = folder


def test_the_object_goes_to_another_process_unchanged(gateway_file):
    """Worker processes get it by pickle."""
    config = load_gateway(gateway_file())

    assert pickle.loads(pickle.dumps(config)) == config


def test_the_content_of_the_key_is_nowhere_in_the_object(gateway_file, folder):
    """A configuration may be shown and logged."""
    key = (folder / "secret" / "key").read_bytes()

    config = load_gateway(gateway_file())

    assert key not in pickle.dumps(config)
    assert key.hex() not in config.model_dump_json()


def test_one_title_one_host_and_one_target_need_no_brackets(gateway_file):
    """`ae_title: X` is `ae_titles: [X]`."""
    config = load_gateway(
        gateway_file(("{ae_titles: [SONOVEIL]}", "{ae_title: OTHER}"), ("target: [research]", "target: research"))
    )

    assert config.listener.ae_titles == ("OTHER",)
    assert config.calling_ae_title("research") == "OTHER"
    assert config.rules[0].target == ("research",)


def test_loading_takes_less_than_a_tenth_of_a_second(gateway_file):
    """Once Python has the modules; the best of five."""
    file = gateway_file()
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        load_gateway(file)
        seconds.append(time.perf_counter() - start)

    assert min(seconds) < 0.1


def test_every_problem_is_named_at_once_in_the_order_of_the_lines(gateway_file):
    """Types, names, units, references and the key in one error."""
    file = gateway_file(
        ("[SONOVEIL]}", "[SONOVEIL], prot: 104}"),
        ("port: 104}", "port: '104'}"),
        ("path: store}", "path: store, reserve_space: 20}"),
        ("from: clinical", "from: clinic"),
        ("key_file: secret/key", "key_file: absent"),
    )

    with pytest.raises(ConfigurationError) as caught:
        load_gateway(file)

    assert [problem.line for problem in caught.value.problems] == [1, 4, 5, 7, 9]
    assert str(caught.value).splitlines()[0] == f"{file}:1: unknown key `listener.prot`; did you mean `port`?"


CASES = {
    "an unknown key at the top": (("storage:", "storge: {path: x}  # <-\nstorage:"), "did you mean `storage`?"),
    "an unknown key nobody can guess": (("path: store}", "path: store, zzz: 1}  # <-"), "known here: path, ledger"),
    "an unknown key of a node": (("host: 10.0.1.7", "host: 10.0.1.7, prot: 1  # <-\n  "), "did you mean `port`?"),
    "an unknown key of a timeout": (
        ("[SONOVEIL]}", "[SONOVEIL],\n  timeouts: {\n   asociation: 1s}}  # <-"),
        "did you mean `association`?",
    ),
    "an unknown key of a rule": (
        ("{name: default,", "{name: default, fall: true,  # <-\n "),
        "unknown key `rules[1].fall`; did you mean `fallback`?",
    ),
    "a name of Python's instead of the file's": (
        ("from: clinical", "sources: clinical  # <-\n  "),
        "unknown key `rules[0].sources`",
    ),
    "a section that is missing": (("secrets:", "# secrets:"), "`secrets` is missing"),
    "a key that is missing": (("{ae_title: RESEARCH, ", "{  # <-\n   "), "nodes.research: `ae_title` is missing; add"),
    "a section without settings": (("storage: {path: store}", "storage:  # <-"), "write its settings below it"),
    "a value without its unit": (("[SONOVEIL]}", "[SONOVEIL], timeouts: {idle: 600}}  # <-"), "such as 600s"),
    "a size without its unit": (("path: store}", "path: store, reserve_space: 20}  # <-"), "such as 20MB"),
    "a wrong unit": (("path: store}", "path: store, reserve_space: 20G}  # <-"), "unknown unit 'G'"),
    "a duration of a file that is no duration": (
        ("path: store}", "path: store, retention: {outputs: soon}}  # <-"),
        "'soon' is not a duration",
    ),
    "text where a number stands": (("port: 104}", "port: abc}  # <-"), "write a whole number, not `abc`"),
    "a port beyond the last one": (("port: 104}", "port: 70000}  # <-"), "write at most 65535"),
    "yes for true": (("allow_store: true", "allow_store: yes  # <-\n  "), "write true or false, not `yes`"),
    "a number for a name": (("ae_title: CLINICAL", "ae_title: 12345  # <-\n  "), "put it in quotes: '12345'"),
    "an AE title of 17": (("ae_title: CLINICAL", "ae_title: A2345678901234567  # <-\n  "), "1 to 16 ASCII"),
    "an AE title of spaces": (("ae_title: CLINICAL", "ae_title: '   '  # <-\n  "), "not only spaces"),
    "an AE title with a backslash": (("ae_title: CLINICAL", "ae_title: A\\B  # <-\n  "), "without backslash"),
    "an AE title with a control character": (("ae_title: CLINICAL", 'ae_title: "A\\tB"  # <-\n  '), "control"),
    "an empty list of AE titles": (("[SONOVEIL]", "[]"), "ae_titles: must not be empty", 1),
    "both spellings of AE titles": (("[SONOVEIL]}", "[SONOVEIL], ae_title: X}  # <-"), "say the same"),
    "an AE title twice": (("[SONOVEIL]", "[A, A]"), "A stands twice", 1),
    "an address that is none": (("host: 10.0.1.7", "host: 10.0.1.777  # <-\n  "), "is no address"),
    "a network with bits beyond it": (("10.0.8.0/24", "10.0.8.7/24"), "write 10.0.8.0/24", 3),
    "a host that is no name": (("host: 10.0.1.7", "host: 'a b'  # <-\n  "), "is no host"),
    "a target behind a network": (("host: 10.0.1.7", "host: 10.1.0.0/16"), "host that is no network", 4),
    "commitment of a node that is not sent to": (
        ("host: 10.0.1.7, port: 104", "host: 10.0.1.7, storage_commitment: true"),
        "add its `port`",
        4,
    ),
    "a listener on a network": (("[SONOVEIL]}", "[SONOVEIL], host: 10.0.0.0/8}  # <-"), "one address to listen on"),
    "the same caller twice": (
        ("  research:", "  copy: {ae_title: CLINICAL, host: 10.0.8.9}  # <-\n  research:"),
        "same AE title and host as node `clinical`",
    ),
    "a node's name that is no name": (
        ("  research:", "  're search': {ae_title: X, host: x}  # <-\n  research:"),
        "is no name",
    ),
    "a rule from an absent node": (("from: clinical", "from: klinical  # <-\n  "), "did you mean `clinical`?"),
    "a rule from one absent node of two": (
        ("from: clinical", "from: [clinical,\n  nobody]  # <-\n "),
        "no node `nobody`",
    ),
    "a rule from a node that may not store": (
        ("from: clinical", "from: research  # <-\n  "),
        "add `allow_store: true`",
    ),
    "a rule to an absent node": (("target: [research]", "target: [reserch]"), "did you mean `research`?", 7),
    "a rule to a node without a port": (("target: [research]", "target: [clinical]"), "has no port", 7),
    "a rule with an absent profile": (("profile: research", "profile: reserch  # <-\n  "), "did you mean `research`?"),
    "a rule that does nothing": (("project: p1, target: [research]", ""), "a rule needs project and target", 7),
    "a rule that does two things": (("target: [research]", "target: [research], action: hold"), "stands instead of", 7),
    "a rule's list with the same node twice": (("[research]", "[research, research]"), "stands twice", 7),
    "two rules of one name": (("name: default", "name: echo  # <-\n  "), "another rule is named `echo`"),
    "no fallback": (("fallback: true,", ""), "the last rule must be the fallback", 8),
    "a fallback that is not the last": (
        ("  - {name: echo", "  - {name: all, fallback: true, action: hold}  # <-\n  - {name: echo"),
        "move it to the end",
    ),
    "a fallback with conditions": (("fallback: true", "fallback: true, from: clinical"), "remove `from` and `when`", 8),
    "a keyword that is none": (
        ("profile: research", "when: {Modalty: US},  # <-\n   profile: research"),
        "did you mean Modality?",
    ),
    "an expression that is none": (
        ("profile: research", "when: {Modality: '/(/'},  # <-\n   profile: research"),
        "no regular expression",
    ),
    "an expression with an unknown flag": (
        ("profile: research", "when: {Modality: /US/x},  # <-\n   profile: research"),
        "unknown flag 'x'",
    ),
    "a number as a condition": (
        ("profile: research", "when: {SeriesNumber: 3},  # <-\n   profile: research"),
        "put a number in quotes",
    ),
    "an unknown action": (("action: hold", "action: drop"), "`drop` is not known here", 8),
    "too many workers": (("storage:", "processing: {workers: 0}  # <-\nstorage:"), "from 1 to 512"),
    "no attempts": (("storage:", "processing: {attempts: 0}  # <-\nstorage:"), "write at least 1"),
    "a retry that never waits": (("storage:", "send: {retry_delay: 0s}  # <-\nstorage:"), "write at least 1s"),
    "a retry that begins after its end": (
        ("storage:", "send: {retry_delay: 1h}  # <-\nstorage:"),
        "at most `max_retry_delay`",
    ),
    "a timeout of nothing": (("[SONOVEIL]}", "[SONOVEIL], timeouts: {dimse: 0s}}  # <-"), "write at least 1s"),
    "a home folder": (("path: store}", "path: ~nobody/store}  # <-"), "write the whole path"),
    "a key in a home folder": (("secret/key", "~nobody/key"), "write the whole path", 9),
    "a profile with an impossible name": (
        ("storage:", f"profiles: {{own: {'x' * 300}}}  # <-\nstorage:"),
        "there is no file",
    ),
    "a retry that waits less and less": (
        ("storage:", "send: {retry_delay_multiplier: 0.5}  # <-\nstorage:"),
        "write at least 1",
    ),
    "a device that is none": (("storage:", "models: {device: gpu}  # <-\nstorage:"), "write auto or cpu or cuda"),
    "two services on one port": (("storage:", "metrics: {port: 11112}  # <-\nstorage:"), "has port 11112 already"),
    "a profile's file that is absent": (
        ("storage:", "profiles: {own: absent.yaml}  # <-\nstorage:"),
        "profiles.own: there is no file",
    ),
    "a profile that is no path": (("storage:", "profiles: {own: 3}  # <-\nstorage:"), "write the path"),
    "profiles as a list": (("storage:", "profiles: [own.yaml]  # <-\nstorage:"), "`name: value` lines"),
    "a section as a list": (("storage:", "models: [cpu]  # <-\nstorage:"), "write its settings below it"),
    "a key file that is absent": (("secret/key", "secret/absent"), "sonoveil keygen", 9),
    "a key file under the storage": (("path: store}", "path: .}"), "lies under storage.path", 9),
    "a storage that is a URL": (("path: store}", "path: s3://bucket}  # <-"), "s3:// is not available in this version"),
    "an alias": (("host: 10.0.1.7", "host: *x  # <-\n  "), "is an alias"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_what_is_wrong_is_named_with_its_line_and_what_to_write(gateway_file, case):
    """One spoiled part, and a problem at exactly its line."""
    change, said, *line = case
    file = gateway_file(change)
    expected = line[0] if line else None

    with pytest.raises(ConfigurationError) as caught:
        load_gateway(file)

    if expected is None and "# <-" in file.read_text():
        expected = _marked(file.read_text())
    found = [problem for problem in caught.value.problems if said in problem.message]
    assert [problem.line for problem in found] == [expected or 1], str(caught.value)
    assert all(problem.file == file for problem in found)


UNAVAILABLE = {
    "PostgreSQL": ("path: store}", "path: store, ledger: 'postgresql://db/x'}  # <-"),
    "the web page": ("storage:", "web: {port: 8080, users_file: users}  # <-\nstorage:"),
    "the action clean": ("action: hold}", "action: clean}  # <-"),
}


@pytest.mark.parametrize("change", UNAVAILABLE.values(), ids=UNAVAILABLE.keys())
def test_what_does_not_work_yet_is_one_error_that_says_so(gateway_file, change):
    """Known by name, not available in this version, and nothing else is said about it."""
    file = gateway_file(change)

    with pytest.raises(ConfigurationError, match="not available in this version") as caught:
        load_gateway(file)

    assert [problem.line for problem in caught.value.problems] == [_marked(file.read_text())]


def test_what_does_not_work_yet_may_be_written_in_the_way_that_works(gateway_file):
    """`ledger: sqlite`."""
    config = load_gateway(gateway_file(("path: store}", "path: store, ledger: sqlite}")))

    assert config.storage.ledger == "sqlite"


@pytest.mark.parametrize(
    ("written", "listed"),
    [
        ("keep", ()),
        ("[keep]", ()),
        ("1.2.840.10008.1.2.1", ("1.2.840.10008.1.2.1",)),
        ("[1.2.840.10008.1.2.4.80, 1.2.840.10008.1.2]", ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2")),
    ],
)
def test_the_transfer_syntaxes_of_a_node_are_kept_or_listed(gateway_file, written, listed):
    """One, several, or the word."""
    config = load_gateway(gateway_file(("port: 104}", f"port: 104, transfer_syntaxes: {written}}}")))

    assert config.nodes["research"].listed_syntaxes == listed


@pytest.mark.parametrize("written", ["[keep, 1.2.840.10008.1.2]", "jpeg", "[1.2.840.10008.1.02]"])
def test_what_is_no_list_of_transfer_syntaxes_is_a_problem(gateway_file, written):
    """A name, a mixture, a UID that is none."""
    file = gateway_file(("port: 104}", f"port: 104, transfer_syntaxes: {written}}}"))

    with pytest.raises(ConfigurationError, match="list of transfer syntax UIDs"):
        load_gateway(file)


@pytest.mark.parametrize("mode", [0o640, 0o644])
def test_a_key_that_others_can_read_is_a_problem_at_its_line(gateway_file, folder, mode):
    """Start-up refuses it."""
    (folder / "secret" / "key").chmod(mode)

    with pytest.raises(ConfigurationError, match=r"gateway\.yaml:9: .*chmod 600"):
        load_gateway(gateway_file())


def test_a_key_that_is_linked_into_the_storage_is_found(gateway_file, folder):
    """What counts is where the file is, not how it is written."""
    (folder / "store").mkdir()
    (folder / "secret" / "key").rename(folder / "store" / "key")
    (folder / "secret" / "key").symlink_to(folder / "store" / "key")

    with pytest.raises(ConfigurationError, match=r"lies under storage\.path"):
        load_gateway(gateway_file())


OWN = "options: [clean_pixel_data]\npixels: {cone: {crop: true}}\n"
SECOND = "  - {name: two, profile: own, project: p1, target: research}\n  - {name: default"


def test_a_profile_of_ones_own_lies_beside_the_file_and_may_replace_a_shipped_one(gateway_file, folder):
    """Names first mean what `profiles` says."""
    (folder / "mine").mkdir()
    (folder / "mine" / "p.yaml").write_text(OWN)

    config = load_gateway(gateway_file(("storage:", "profiles: {research: mine/p.yaml}\nstorage:")))

    assert config.profiles["research"].pixels.cone.crop
    assert config.profiles["research"].name == "research"


def test_what_is_wrong_in_a_profile_is_named_with_the_profiles_file_and_line(gateway_file, folder):
    """And the gateway's own problems beside it."""
    (folder / "p.yaml").write_text("options: [clean_pixel_data]\npixels:\n  cnoe: {}\n")
    file = gateway_file(("storage:", "profiles: {research: p.yaml}\nstorage:"), ("port: 104", "port: 0"))

    with pytest.raises(ConfigurationError) as caught:
        load_gateway(file)

    assert [(problem.file.name, problem.line) for problem in caught.value.problems] == [
        ("gateway.yaml", 4),
        ("p.yaml", 3),
    ]
    assert "did you mean `cone`?" in caught.value.problems[1].message


def test_one_project_has_one_look_at_one_target(gateway_file, folder):
    """Different pixel actions under the same new UIDs are refused."""
    (folder / "p.yaml").write_text(OWN)
    file = gateway_file(("storage:", "profiles: {own: p.yaml}\nstorage:"), ("  - {name: default", SECOND))

    with pytest.raises(ConfigurationError, match=r"gateway\.yaml:9: .*rules `echo` and `two` send project `p1`"):
        load_gateway(file)


@pytest.mark.parametrize(
    "change",
    [("profile: own", "profile: strict"), ("project: p1, target: research}", "project: p2, target: research}")],
)
def test_two_looks_are_fine_for_two_projects_or_when_the_pixels_are_alike(gateway_file, folder, change):
    """Only the pixels count."""
    (folder / "p.yaml").write_text(OWN)
    second = SECOND.replace(*change)
    file = gateway_file(("storage:", "profiles: {own: p.yaml}\nstorage:"), ("  - {name: default", second))

    assert [rule.name for rule in load_gateway(file).rules] == ["echo", "two", "default"]


def test_conditions_are_values_lists_and_expressions(gateway_file):
    """Values are compared whole, expressions are searched; an absent value matches nothing."""
    when = "when: {Modality: [US, ' CT '], StudyDescription: /echo/i, called_aet: SONOVEIL, StationName: '/^A/'}, "
    when = load_gateway(gateway_file(("profile: research", when + "profile: research"))).rules[0].when

    assert when["Modality"].accepts(["CT"])
    assert when["Modality"].accepts(["MR", "US "])
    assert not when["Modality"].accepts(["U", "us"])
    assert not when["Modality"].accepts([])
    assert when["StudyDescription"].accepts(["An ECHO of"])
    assert not when["StationName"].accepts(["a1"])
    assert when["called_aet"].accepts(["SONOVEIL"])


def test_an_empty_file_says_where_to_begin(gateway_file):
    """Not a traceback."""
    with pytest.raises(ConfigurationError, match="as in the example"):
        load_gateway(gateway_file(text="# nothing\n"))


def test_the_error_survives_the_way_between_processes():
    """Pickle keeps problems and text."""
    error = ConfigurationError((Problem(file="a.yaml", line=3, message="wrong"),))

    again = pickle.loads(pickle.dumps(error))

    assert str(again) == "a.yaml:3: wrong"
    assert dataclasses.asdict(again.problems[0]) == {"file": "a.yaml", "line": 3, "message": "wrong"}


def test_a_file_without_nodes_and_rules_says_so(gateway_file):
    """Empty is not the same as forgotten, and both are wrong."""
    text = "nodes: {}\nrules: {}\nstorage: {path: store}\nsecrets: {key_file: secret/key}\n"

    with pytest.raises(ConfigurationError) as caught:
        load_gateway(gateway_file(text=text))

    assert [(problem.line, problem.message) for problem in caught.value.problems] == [
        (1, "nodes: must not be empty"),
        (2, "rules: write a list such as [a, b]"),
    ]


_SECTIONS = sorted(GatewayConfig.model_fields)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5) | st.just("research"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "from", "target", "host", "port", "when", "path", "x"]), inner)
    ),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(_SECTIONS), _VALUES))
def test_whatever_the_values_are_the_only_error_is_a_configuration_error(folder, values):
    """No file makes the loader fail in another way."""
    file = folder / "gateway.yaml"
    file.write_text(json.dumps(values), encoding="utf-8")

    with pytest.raises(ConfigurationError):
        load_gateway(file)
