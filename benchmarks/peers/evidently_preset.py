"""Evidently as its quickstart has it: the preset for data drift, with the tests it chooses itself."""

from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset
from sides import numbers, read, tell

before, now = read()
known = numbers(before)
definition = DataDefinition(
    numerical_columns=known, categorical_columns=[name for name in before.columns if name not in known]
)
sides = [Dataset.from_pandas(rows, data_definition=definition) for rows in (now, before)]
report = Report([DataDriftPreset()]).run(*sides)
tell(
    {
        metric["config"]["column"]: {metric["config"]["method"]: metric["value"]}
        for metric in report.dict()["metrics"]
        if "column" in metric["config"]
    }
)
