"""metadata.yaml conforms to Airbyte's schema and registry, and agrees with the connector."""

import json
import re
import sys
from typing import Any
from urllib.parse import urlsplit

import pytest
from airbyte_cdk.models.connector_metadata import ConnectorLanguage, MetadataFile

from source_invoices.components.http.throttling import RetryPolicy
from source_invoices.manifest_file import load_manifest
from tools import containers
from unit_tests.project_files import DATA, METADATA, PROJECT, ROOT


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="airbyte-connector-models supports Python 3.10 to 3.12")
def test_the_metadata_conform_to_airbyte_s_schema() -> None:
    from airbyte_connector_models.metadata.v0.connector_metadata_definition_v0 import ConnectorMetadataDefinitionV0

    # Only as JSON does `strict` accept a text for a UUID, a date or one of several values.
    ConnectorMetadataDefinitionV0.model_validate_json(json.dumps(METADATA), strict=True)


def test_the_cdk_reads_the_metadata() -> None:
    data = MetadataFile.from_file(ROOT / "metadata.yaml").data
    assert data.language == ConnectorLanguage.PYTHON
    assert data.connectorBuildOptions and data.connectorBuildOptions.baseImage


def test_the_metadata_and_the_package_have_the_same_name() -> None:
    # Airbyte's images start the command that has the name of their repository.
    assert DATA["dockerRepository"] == f"airbyte/{PROJECT['name']}"
    assert PROJECT["name"] in PROJECT["scripts"]
    assert DATA["githubIssueLabel"] == PROJECT["name"]
    assert DATA["documentationUrl"].endswith(f"/sources/{PROJECT['name'].removeprefix('source-')}")


def test_the_package_links_to_the_same_documentation() -> None:
    urls = PROJECT["urls"]
    assert urls["Documentation"] == DATA["documentationUrl"]
    for named in DATA["externalDocumentationUrls"]:
        assert any(named["url"].startswith(url) for url in urls.values()), named


def test_there_is_one_language_tag_and_one_cdk_tag() -> None:
    tags = [tag.split(":") for tag in DATA["tags"]]
    assert sorted(tags) == [["cdk", "low-code"], ["language", "python"]]


def test_the_base_image_is_airbyte_s_and_is_pinned() -> None:
    image = DATA["connectorBuildOptions"]["baseImage"]
    assert re.fullmatch(r"docker\.io/airbyte/python-connector-base:\d+\.\d+\.\d+@sha256:[0-9a-f]{64}", image)
    assert DATA["connectorBuildOptions"]["baseImage"] == containers.base_image()


def test_the_image_installs_the_versions_that_are_tested() -> None:
    """PyAirbyte holds back packages in locks/dev.txt. On Python 3.13, where it is not, the tests run with the others."""

    def pins(name: str) -> dict[str, str]:
        return dict(re.findall(r"(?m)^([a-z0-9-]+)==([^ ]+)", (ROOT / name).read_text()))

    installed, tested = pins("locks/runtime.txt"), pins("locks/dev.txt")
    assert installed["airbyte-cdk"] == tested["airbyte-cdk"]
    assert installed.keys() >= {"airbyte-cdk", "jsonschema", "requests", "cryptography"}
    rule = (ROOT / "Makefile").read_text().partition("$(VENV)/installed: ")[2].partition("\n\n")[0]
    assert "sys.version_info < (3, 13)" in rule
    assert rule.index("-r locks/dev.txt") < rule.index("-r locks/runtime.txt")


def test_cryptography_is_not_held_back_in_the_image() -> None:
    (version,) = re.findall(r"(?m)^cryptography==(\d+)", (ROOT / "locks/runtime.txt").read_text())
    assert int(version) >= 50


def test_the_image_takes_its_build_tool_from_a_lock() -> None:
    lines = (ROOT / "Dockerfile").read_text().replace("\\\n", "").splitlines()
    installs = [line for line in lines if " install " in line or " wheel " in line]
    assert installs
    for line in installs:
        for command in line.split("&&"):
            if "pip " in command and " -m pip" in command:
                assert "--require-hashes" in command or "--no-build-isolation" in command or "dist/*.whl" in command
    assert "hatchling==" in (ROOT / "locks/build.txt").read_text()


def test_the_allowed_hosts_are_those_of_the_default_addresses() -> None:
    def addresses(schema: dict[str, Any]) -> list[str]:
        inner = [address for rule in schema.get("properties", {}).values() for address in addresses(rule)]
        return [schema["default"], *inner] if schema.get("format") == "uri" else inner

    defaults = addresses(load_manifest()["spec"]["connection_specification"])
    assert sorted(DATA["allowedHosts"]["hosts"]) == sorted({str(urlsplit(address).hostname) for address in defaults})


def test_the_suggested_streams_exist() -> None:
    streams = {stream["$parameters"]["name"] for group in load_manifest()["streams"] for stream in group["streams"]}
    suggested = DATA["suggestedStreams"]["streams"]
    assert suggested
    assert set(suggested) <= streams


def test_the_platform_waits_for_the_longest_silence() -> None:
    policy = RetryPolicy()
    longest_pause = (policy.attempts - 1) * policy.longest_wait
    assert DATA["maxSecondsBetweenMessages"] > longest_pause


def test_the_metadata_name_the_published_package() -> None:
    assert DATA["remoteRegistries"]["pypi"] == {"enabled": True, "packageName": f"airbyte-{PROJECT['name']}"}


def test_the_test_suites_exist() -> None:
    folders = {"unitTests": "unit_tests", "integrationTests": "integration_tests"}
    suites = {suite["suite"] for suite in DATA["connectorTestSuitesOptions"]}
    assert suites == {*folders, "acceptanceTests"}
    assert all((ROOT / folder).is_dir() for folder in folders.values())
