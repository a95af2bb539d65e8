"""Where datasets lie, and what they are made by."""

from typing import Final

DATASETS: Final = "datasets/"
REQUESTS: Final = "datasets/requests/"
MANIFEST_FILE: Final = "manifest.json"
PLAN_FILE: Final = "plan.json"


def model_folder(model: str) -> str:
    """Return where a model's datasets are, ending in a slash."""
    return f"{DATASETS}{model}/"


def dataset_folder(model: str, dataset: str) -> str:
    """Return where a dataset is, ending in a slash; its name is a digest."""
    return f"{model_folder(model)}{dataset}/"


def manifest_path(model: str, dataset: str) -> str:
    """Return where a dataset's manifest is."""
    return f"{dataset_folder(model, dataset)}{MANIFEST_FILE}"


def builds_folder(model: str) -> str:
    """Return where a model's builds are, ending in a slash; no digest begins with an underscore."""
    return f"{model_folder(model)}_builds/"


def build_folder(model: str, build: str) -> str:
    """Return where the steps of one build are, ending in a slash."""
    return f"{builds_folder(model)}{build}/"


def plan_path(model: str, build: str) -> str:
    """Return where the plan of a build is: without it there is no such build."""
    return f"{build_folder(model, build)}{PLAN_FILE}"


def originals_folder(model: str) -> str:
    """Return where original training data that datasets mix in is, ending in a slash."""
    return f"{model_folder(model)}_originals/"


def original_path(model: str, sha256: str) -> str:
    """Return where one file of original training data is."""
    return f"{originals_folder(model)}{sha256}.parquet"


def requests_folder(model: str) -> str:
    """Return where the requests for a model's datasets are, ending in a slash; no model's name has an equals sign."""
    return f"{REQUESTS}model={model}/"


def request_path(model: str, request: str) -> str:
    """Return where one request is."""
    return f"{requests_folder(model)}{request}.json"
