"""The Azure template, as far as it can be checked without Azure: what it declares, and what it must not."""

import re

import pytest

from tests.infra.bicep import MAIN, Template

BLOB_DATA_OWNER = "b7e6dc6d-f1e8-4753-8033-0f276bb0955b"
EVENT_HUBS_DATA_SENDER = "2b629674-e913-4c01-ae53-ef4638d8f975"
EVENT_HUBS_DATA_RECEIVER = "a638d3c7-ab3a-418d-83e6-5f17a39d4fde"


@pytest.fixture(scope="module")
def template() -> Template:
    return Template.read()


def test_declares_what_the_app_needs(template: Template) -> None:
    assert sorted(one.type for one in template.resources.values()) == sorted(
        [
            "Microsoft.Authorization/roleAssignments",
            "Microsoft.Authorization/roleAssignments",
            "Microsoft.Authorization/roleAssignments",
            "Microsoft.EventHub/namespaces",
            "Microsoft.EventHub/namespaces/eventhubs",
            "Microsoft.EventHub/namespaces/eventhubs/consumergroups",
            "Microsoft.Insights/components",
            "Microsoft.ManagedIdentity/userAssignedIdentities",
            "Microsoft.OperationalInsights/workspaces",
            "Microsoft.Storage/storageAccounts",
            "Microsoft.Storage/storageAccounts/blobServices",
            "Microsoft.Storage/storageAccounts/blobServices/containers",
            "Microsoft.Web/serverfarms",
            "Microsoft.Web/sites",
        ]
    )


@pytest.mark.parametrize(
    ("resource", "path", "value"),
    [
        ("storage", "properties.allowSharedKeyAccess", False),
        ("storage", "properties.allowBlobPublicAccess", False),
        ("storage", "properties.supportsHttpsTrafficOnly", True),
        ("storage", "properties.minimumTlsVersion", "TLS1_2"),
        ("containers", "properties.publicAccess", "None"),
        ("events", "properties.disableLocalAuth", True),
        ("events", "properties.minimumTlsVersion", "1.2"),
        ("app", "properties.httpsOnly", True),
        ("app", "properties.siteConfig.minTlsVersion", "1.2"),
        ("app", "identity.type", "UserAssigned"),
        ("app", "properties.functionAppConfig.deployment.storage.authentication.type", "UserAssignedIdentity"),
    ],
)
def test_identities_only_encrypted_only(template: Template, resource: str, path: str, value: object) -> None:
    assert template.resources[resource].at(path) == value


@pytest.mark.parametrize(
    ("resource", "path", "value"),
    [
        ("plan", "sku.tier", "FlexConsumption"),
        ("app", "properties.functionAppConfig.runtime.name", "python"),
        ("app", "properties.functionAppConfig.runtime.version", "3.13"),
        ("app", "properties.functionAppConfig.scaleAndConcurrency.instanceMemoryMB", 2048),
        ("app", "properties.functionAppConfig.scaleAndConcurrency.maximumInstanceCount", "maximumInstanceCount"),
        ("insights", "properties.WorkspaceResourceId", "workspace.id"),
        ("hub", "parent", "events"),
        ("consumerGroup", "name", "consumerGroupName"),
    ],
)
def test_runs_the_way_the_app_expects(template: Template, resource: str, path: str, value: object) -> None:
    assert template.resources[resource].at(path) == value


def test_has_the_containers_that_paths_begin_with(template: Template) -> None:
    assert template.variables["containerNames"] == [
        "captures",
        "models",
        "monitoring",
        "datasets",
        "deploymentContainerName",
    ]
    assert template.variables["consumerGroupName"] == "capture"


def test_the_identity_may_do_no_more_than_it_has_to(template: Template) -> None:
    """Telemetry goes with its instrumentation key, so there is no role on Application Insights."""
    granted = {(one.role, one.scope) for one in template.role_assignments()}

    assert granted == {
        (BLOB_DATA_OWNER, "storage"),
        (EVENT_HUBS_DATA_SENDER, "hub"),
        (EVENT_HUBS_DATA_RECEIVER, "hub"),
    }
    assert {one.principal for one in template.role_assignments()} == {"identity.properties.principalId"}


def test_reaches_storage_and_event_hubs_by_identity(template: Template) -> None:
    settings = template.app_settings()
    client_id = "identity.properties.clientId"

    assert {name: settings.get(name) for name in settings if name.startswith("AzureWebJobsStorage")} == {
        "AzureWebJobsStorage__accountName": "storage.name",
        "AzureWebJobsStorage__credential": "managedidentity",
        "AzureWebJobsStorage__clientId": client_id,
    }
    assert {name: settings[name] for name in settings if name.startswith("EVENTS__")} == {
        "EVENTS__fullyQualifiedNamespace": "${events.name}.servicebus.windows.net",
        "EVENTS__credential": "managedidentity",
        "EVENTS__clientId": client_id,
    }
    assert settings["STORAGE"] == "storage.properties.primaryEndpoints.blob"
    assert settings["AZURE_CLIENT_ID"] == client_id


def test_the_app_waits_for_its_roles(template: Template) -> None:
    roles = {name for name, one in template.resources.items() if one.type.endswith("/roleAssignments")}

    assert roles <= set(template.resources["app"].at("dependsOn"))


def test_no_key_is_read_or_written_anywhere() -> None:
    """A listKeys in an output or a setting would end up in the deployment's history."""
    code = re.sub(r"//.*", "", MAIN.read_text())

    assert not re.search(r"\blist\w*\(|AccountKey|SharedAccessKey|primaryKey|connectionStrings", code, re.IGNORECASE)


def test_what_is_secret_is_secure(template: Template) -> None:
    settings = template.app_settings()

    for name in (settings["PRIVACY_KEY"], settings["WEBHOOKS"], settings["WEBHOOK_SECRET"]):
        assert {"type": "secure"} in template.parameters[name]["decorators"]
        assert template.parameters[name]["default"] == ""
    assert not {"privacyKey", "webhooks", "webhookSecret"} & set(template.outputs.values())


def test_leaves_out_what_flex_consumption_refuses(template: Template) -> None:
    """These belong to functionAppConfig there; a deployment that sets them fails."""
    refused = {"FUNCTIONS_WORKER_RUNTIME", "FUNCTIONS_EXTENSION_VERSION", "WEBSITE_RUN_FROM_PACKAGE"}

    assert not refused & set(template.app_settings())


def test_every_parameter_says_what_it_is_for(template: Template) -> None:
    for name, parameter in template.parameters.items():
        assert any(one["type"] == "description" for one in parameter["decorators"]), name


def test_says_what_was_made(template: Template) -> None:
    assert template.outputs == {"functionAppName": "app.name", "hostname": "app.properties.defaultHostName"}
