"""Reads a Bicep template without Azure's tools, into what tests ask for."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from pycep import BicepParser

MAIN = Path(__file__).parents[2] / "infra" / "azure" / "main.bicep"

_SETTINGS_OF = "Microsoft.Web/sites"
_ROLE = "Microsoft.Authorization/roleAssignments"


@dataclass(frozen=True, slots=True)
class Resource:
    """One declared resource; ``config`` is what stands between its braces, as the parser reads it."""

    type: str
    api_version: str
    config: dict[str, Any]

    def at(self, path: str) -> Any:  # noqa: ANN401 - whatever stands there
        """Return what stands at a path like ``properties.minimumTlsVersion``; expressions as text."""
        value: Any = self.config
        for part in path.split("."):
            value = value[part]
        return text_of(value)


@dataclass(frozen=True, slots=True)
class RoleAssignment:
    """Who may do what on what: an expression, the id of a built-in role, the name of a resource."""

    principal: str
    role: str
    scope: str


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template; resources and parameters by their symbolic names."""

    resources: dict[str, Resource]
    parameters: dict[str, dict[str, Any]]
    variables: dict[str, Any]
    outputs: dict[str, Any]

    @classmethod
    def read(cls, path: Path = MAIN) -> Self:
        """Parse a template; a loop of resources is one resource, with the loop's body as its config."""
        tree: Any = BicepParser().parse(text=path.read_text())
        return cls(
            resources={
                name: Resource(one["type"], one["api_version"], _body(one["config"]))
                for name, one in tree["resources"].items()
            },
            parameters=tree["parameters"],
            variables={name: text_of(one["value"]) for name, one in tree["variables"].items()},
            outputs={name: text_of(one["value"]) for name, one in tree["outputs"].items()},
        )

    def of_type(self, kind: str) -> list[Resource]:
        """Return the resources of one type."""
        return [one for one in self.resources.values() if one.type == kind]

    def app_settings(self) -> dict[str, str]:
        """Return the function app's settings: the name and the expression of its value, each name once."""
        (app,) = self.of_type(_SETTINGS_OF)
        settings = app.config["properties"]["siteConfig"]["appSettings"]
        names = [one["name"] for one in settings]
        if len(names) != len(set(names)):
            raise ValueError(f"an app setting is there twice: {sorted(names)}")
        return {one["name"]: text_of(one["value"]) for one in settings}

    def role_assignments(self) -> list[RoleAssignment]:
        """Return who may do what; roles that are variables are looked up."""
        return [
            RoleAssignment(
                principal=one.at("properties.principalId"),
                role=self._value(_last_argument(one.config["properties"]["roleDefinitionId"])),
                scope=one.at("scope"),
            )
            for one in self.of_type(_ROLE)
        ]

    def _value(self, name: str) -> str:
        return str(self.variables.get(name, name))


def text_of(value: Any) -> Any:  # noqa: ANN401 - a tree of whatever
    """Return ``a.b.c`` for the tree of such an expression, and anything else as it is."""
    if isinstance(value, dict) and value.get("operator", {}).get("type") == "property_accessor":
        operands = value["operator"]["operands"]
        return f"{text_of(operands['operand_1'])}.{text_of(operands['operand_2'])}"
    return value


def _body(config: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = config["config"] if "loop_type" in config else config
    return body


def _last_argument(call: dict[str, Any]) -> str:
    arguments = [one for one in call["function"]["parameters"].values() if one is not None]
    return str(arguments[-1])
