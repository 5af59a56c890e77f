"""The checks that Airbyte makes of a connector's documentation and packaging, as far as they apply outside its repository.

And that docs/invoices.md says what manifest, schemas and source say.
"""

import logging
import re
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest
from airbyte_cdk.models import AirbyteStream, SyncMode

from source_invoices.manifest_file import load_manifest
from source_invoices.source import SourceInvoices
from unit_tests.project_files import DATA, PROJECT, ROOT, Page

PAGE = Page(ROOT / "docs" / "invoices.md")
CHANGELOG = Page(ROOT / "CHANGELOG.md")
PAGES = sorted(
    str(path.relative_to(ROOT))
    for folder in ("", ".github", "docs", "tools/benchmarks")
    for path in (ROOT / folder).glob("*.md")
)
SCHEMAS = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("schemas/*.json"))
MANIFEST = load_manifest()
SPECIFICATION: dict[str, Any] = MANIFEST["spec"]["connection_specification"]
# Of the two streams ipxo_invoices, the first one, which scans the list. The other one reads the UUIDs in the settings.
STREAMS: dict[str, Any] = {
    stream["$parameters"]["name"]: stream for group in MANIFEST["streams"][::-1] for stream in group["streams"]
}
FACTS: dict[str, Any] = {name: stream["$parameters"] for name, stream in STREAMS.items()}
NAME = DATA["name"]


@pytest.fixture(scope="module")
def catalog() -> dict[str, AirbyteStream]:
    """What discover says of all three providers."""
    ready_made = {"auth_type": "access_token", "access_token": "a-token"}
    config = {
        "ipxo": {"tenant_uuid": "0b5e1f1c-6a6e-4a7e-9d53-2a3f0c9f6b11", "credentials": ready_made},
        "nexudus": {"credentials": ready_made},
        "payhubix": {"api_key": "a-key-of-payhubix"},
    }
    found = SourceInvoices(config=config).discover(logging.getLogger(), config)
    return {stream.name: stream for stream in found.streams}


def typed_fields(schema: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field of a schema by its path, those of the items of a list under the list's."""
    for name, rule in [*schema.get("properties", {}).items(), *schema.get("items", {}).get("properties", {}).items()]:
        yield f"{path}.{name}", rule
        yield from typed_fields(rule, f"{path}.{name}")


FIELDS = dict(field for name, schema in MANIFEST["schemas"].items() for field in typed_fields(schema, name))


def kinds(rule: dict[str, Any]) -> frozenset[str]:
    """The types of a field, null apart; a time is a `timestamp`."""
    types = {rule["type"]} if isinstance(rule["type"], str) else set(rule["type"])
    return frozenset({"timestamp"} if rule.get("format") == "date-time" else types - {"null"})


# The version and the licence


def test_the_version_is_semantic_and_the_same_everywhere() -> None:
    assert re.fullmatch(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?", PROJECT["version"])
    assert DATA["dockerImageTag"] == PROJECT["version"]
    assert PAGE.table("Changelog")[0][0] == PROJECT["version"]


def test_both_changelogs_have_the_same_versions() -> None:
    releases = [line for line in CHANGELOG.headings if line.startswith("## ")]
    assert releases == [f"## [{version}] - {date}" for version, date, *_ in PAGE.table("Changelog")]


def test_the_licence_is_allowed_by_airbyte_and_the_same_everywhere() -> None:
    assert DATA["license"] in ("MIT", "ELv2")
    assert PROJECT["license"] == DATA["license"]
    assert (ROOT / "LICENSE").read_text("utf-8").startswith(f"{DATA['license']} License\n")


# The icon and the addresses


def test_the_icon_is_a_square_svg_that_loads_nothing() -> None:
    text = (ROOT / DATA["icon"]).read_text("utf-8")
    drawing = ElementTree.fromstring(text)
    _, _, width, height = drawing.attrib["viewBox"].split()
    assert drawing.tag == "{http://www.w3.org/2000/svg}svg"
    assert width == height
    assert drawing.attrib["width"] == drawing.attrib["height"]
    assert "href" not in text
    assert "<script" not in text


@pytest.mark.parametrize("name", ["manifest.yaml", "metadata.yaml", *SCHEMAS, *PAGES])
def test_every_address_is_https(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    # The name of the schema language, the pattern that lets a test server on the same machine through, and such a server.
    for allowed in ("http://json-schema.org/draft-07/schema#", "http://(localhost|127", "http://localhost"):
        text = text.replace(allowed, "")
    assert "http://" not in text


@pytest.mark.parametrize("name", PAGES)
def test_every_link_has_a_target(name: str) -> None:
    page = Page(ROOT / name)
    for link in page.links:
        if "://" in link:
            continue
        target, _, anchor = link.partition("#")
        file = (page.path.parent / target).resolve() if target else page.path
        assert file.exists(), link
        assert not anchor or anchor in Page(file).anchors, link


# The page in the form of Airbyte's documentation


def test_the_headings_follow_airbyte_s_template() -> None:
    own = r"(##+ .+\n)*"
    template = (
        rf"# {NAME}\n## Prerequisites\n## Setup guide\n"
        rf"## Set up {NAME}\n{own}"
        rf"## Set up the {NAME} connector in Airbyte\n### For Airbyte Cloud:\n### For Airbyte Open Source:\n{own}"
        rf"## Supported sync modes\n## Supported Streams\n{own}"
        rf"### Performance considerations\n## Data type map\n## Limitations & Troubleshooting\n{own}"
        r"## Changelog\n"
    )
    assert re.fullmatch(template, "".join(f"{heading}\n" for heading in PAGE.headings))
    titles = [heading.lstrip("# ") for heading in PAGE.headings]
    assert len(titles) == len(set(titles))


@pytest.mark.parametrize(
    ("title", "beginning"),
    [
        (
            NAME,
            rf"<HideInUI>\n\nThis page contains the setup guide and reference information for the \[{NAME}\]\(\S+\) source "
            r"connector.\n\n</HideInUI>\n",
        ),
        (
            "For Airbyte Cloud:",
            r"1. \[Log into your Airbyte Cloud\]\(https://cloud.airbyte.com/workspaces\) account.\n"
            r"2. Click Sources and then click \+ New source.\n"
            rf"3. On the Set up the source page, select {NAME} from the Source type dropdown.\n"
            rf"4. Enter a name for the {NAME} connector.\n",
        ),
        ("For Airbyte Open Source:", "1. Navigate to the Airbyte Open Source dashboard.\n"),
        (
            "Supported sync modes",
            rf"The {NAME} source connector supports the following "
            r"\[sync modes\]\(https://docs.airbyte.com/cloud/core-concepts/#connection-sync-modes\):\n",
        ),
        ("Changelog", "<details>\n  <summary>Expand to review</summary>\n"),
    ],
    ids=lambda text: text if len(text) < 30 else "",
)
def test_a_section_begins_as_in_airbyte_s_template(title: str, beginning: str) -> None:
    assert re.match(beginning, PAGE.section(title))


@pytest.mark.parametrize("provider", ["ipxo", "nexudus", "payhubix"])
def test_the_prerequisites_name_every_required_setting(provider: str) -> None:
    def titles(schema: dict[str, Any]) -> Iterator[str]:
        for part in [schema, *schema.get("oneOf", [])]:
            for name in part.get("required", []):
                rule = part["properties"][name]
                if "const" not in rule:
                    yield rule["title"]
                yield from titles(rule)

    schema = SPECIFICATION["properties"][provider]
    (own,) = [item for item in PAGE.section("Prerequisites").split("\n- ") if item.startswith(f"**{schema['title']}**")]
    required = set(titles(schema))
    assert required
    assert {title for title in required if title not in " ".join(own.split())} == set()


def test_only_providers_have_required_settings() -> None:
    assert "required" not in SPECIFICATION


def test_the_documented_settings_have_their_titles_and_defaults() -> None:
    documented = {title: default for titles, _, default in PAGE.table("Settings") for title in titles.split(", ")}
    known = {rule["title"]: rule.get("default") for rule in SPECIFICATION["properties"].values()}
    assert documented.keys() == known.keys()
    for title, default in known.items():
        assert documented[title] == str(default) if default is not None else not documented[title].isdigit()


def test_the_sync_modes_are_those_of_every_stream(catalog: dict[str, AirbyteStream]) -> None:
    modes = dict(PAGE.table("Supported sync modes"))
    for stream in catalog.values():
        assert (modes["Full Refresh"] == "Yes") == (SyncMode.full_refresh in stream.supported_sync_modes)
        assert (modes["Incremental"] == "Yes") == (SyncMode.incremental in stream.supported_sync_modes)
        assert (modes["Namespaces"] == "Yes") == bool(stream.namespace)


def test_the_documented_streams_are_those_of_discover(catalog: dict[str, AirbyteStream]) -> None:
    rows = {name.strip("`"): row for name, *row in PAGE.table("Supported Streams")}
    assert rows.keys() == catalog.keys() == STREAMS.keys()
    for name, (key, cursor, incremental, _) in rows.items():
        assert catalog[name].source_defined_primary_key == [[key.strip("`")]]
        assert catalog[name].default_cursor_field == [cursor.strip("`")]
        assert (incremental == "Yes") == (SyncMode.incremental in catalog[name].supported_sync_modes)


def test_the_endpoints_are_the_manifest_s() -> None:
    for name, *_, endpoint in PAGE.table("Supported Streams"):
        requester, facts = STREAMS[name.strip("`")]["retriever"]["requester"], FACTS[name.strip("`")]
        path = re.sub(r"^{{.*?}}", "", facts.get("url") or requester["key_url"])
        requested = re.sub(r"{{.*?}}|{\w+}", "{}", f"{requester.get('http_method', 'GET')} {path}")
        assert re.sub(r"{\w+}", "{}", endpoint.strip("`")) == requested


def test_the_final_statuses_are_the_manifest_s() -> None:
    documented = {name.strip("`"): statuses for name, _, statuses in PAGE.table("Changes and late invoices")}
    assert documented.keys() == STREAMS.keys()
    scanned = {name: ", ".join(facts["final"]) for name, facts in FACTS.items() if "final" in facts}
    assert {name: documented[name] for name in scanned} == scanned
    assert documented.keys() - scanned.keys() == {"nexudus_payout_invoices"}


def test_the_limits_of_nexudus_are_the_manifest_s() -> None:
    limits = {provider: limit for provider, limit, _ in PAGE.table("Requests and rates")}
    minute = SPECIFICATION["properties"]["nexudus"]["properties"]["requests_per_minute"]["default"]
    hour = MANIFEST["api_budget"]["policies"][0]["rates"][2]
    assert hour["interval"] == "PT1H"
    assert limits["Nexudus"] == f"one request in 100 ms, {minute} a minute, {hour['limit']:,} an hour"


def test_the_data_type_map_has_every_type_of_the_schemas() -> None:
    documented = set()
    for cell, *_ in PAGE.table("Data type map"):
        types = re.findall(r"`([\w-]+)`", cell)
        documented.add(frozenset({"timestamp"} if "date-time" in types else types))
    assert documented == {kinds(rule) for rule in FIELDS.values()}


def test_the_fields_in_the_data_type_map_have_the_type() -> None:
    for cell, _, examples in PAGE.table("Data type map"):
        types = re.findall(r"`([\w-]+)`", cell)
        expected = frozenset({"timestamp"} if "date-time" in types else types)
        for field in set(re.findall(r"`(\w+)`", examples)) - STREAMS.keys():
            assert expected in {kinds(rule) for path, rule in FIELDS.items() if path.endswith(f".{field}")}, field


def test_troubleshooting_quotes_messages_of_the_connector() -> None:
    source = "\n".join(path.read_text("utf-8") for path in (ROOT / "source_invoices").rglob("*.py"))
    for message, _ in PAGE.table("Troubleshooting"):
        assert message.strip("`") in source


# The ER diagram


def test_the_er_diagram_names_only_what_exists() -> None:
    diagram = PAGE.code("mermaid")
    entities = dict(re.findall(r'^  "?([\w.]+)"? \{\n(.*?)^  \}', diagram, re.DOTALL | re.MULTILINE))
    assert {name for name in entities if "." not in name} == STREAMS.keys()
    for entity, attributes in entities.items():
        assert entity in STREAMS or kinds(FIELDS[entity]) & {"array", "object"}
        for kind, field, sign in re.findall(r"^    (\w+) (\w+) ?(.*)$", attributes, re.MULTILINE):
            assert kind in kinds(FIELDS[f"{entity}.{field}"]), f"{entity}.{field}"
            if entity in STREAMS:
                assert (sign == "PK") == (field == STREAMS[entity]["primary_key"]), f"{entity}.{field}"
                cursor = FACTS[entity]["cursor_field"]
                assert sign.startswith('"cursor') == (field == cursor), f"{entity}.{field}"


def test_the_er_diagram_has_every_nested_list_and_object() -> None:
    diagram = PAGE.code("mermaid")
    nested = set(re.findall(r'^  "([\w.]+)" \{', diagram, re.MULTILINE))
    relations = re.findall(r'^  (\w+) (\S+) "(\w+\.\w+)" : (\w+)$', diagram, re.MULTILINE)
    assert {inner for _, _, inner, _ in relations} == nested
    assert diagram.count("--") == len(relations)
    for stream, ends, inner, field in relations:
        assert inner == f"{stream}.{field}"
        assert ends == ("||--o{" if kinds(FIELDS[inner]) == {"array"} else "}o--o|")
