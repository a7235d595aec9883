"""A schema file: what the columns of somebody's data mean, in TOML.

    label = "click"                    # 1/0, true/false, yes/no; or say which value is a yes:
    positive = ["2"]
    time = "timestamp"                 # optional: split by time, histories of the past only
    group = "position"                 # optional: calibration is reported for each of its values
    numbers = ["age", "affinity_*"]    # a * stands for any characters
    categories = ["ad_id", "city"]
    multi_categories = ["interests"]   # several values in one column, written "a|b|c"

For the off-policy estimators also `action`, `propensity` and optionally `context`. Features that
need more to be said (their half, a width, a history) are [[feature]] tables as in
`models.ctr.features`.

The one surprising fact: columns that are not named are not used. What is known only after the click
must not slip into a model because it happened to be in the file.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from adserver.datafiles import DataFileError
from models.ctr.features import Feature, FeatureSchema, Kind, SchemaError

MULTI_WIDTH = 4
_LISTS = {
    "numbers": Kind.NUMBER,
    "categories": Kind.CATEGORY,
    "multi_categories": Kind.MULTI_CATEGORY,
}
_COLUMNS = ("label", "time", "group", "propensity", "action", "context")
_KEYS = {*_COLUMNS, *_LISTS, "positive", "feature"}


@dataclass(frozen=True, slots=True)
class DataSchema:
    """A schema file, read and checked, its lists not yet matched with a file's columns.

    `label`, `time`, `group`, `propensity`, `action` and `context` are column names, "" where not
    given; `positive` are the label's values that mean yes, empty for the usual ones. `text` is the
    file as it was written.
    """

    path: Path
    text: str
    label: str
    positive: frozenset[str]
    time: str
    group: str
    propensity: str
    action: str
    context: str
    lists: tuple[tuple[str, Kind], ...]
    features: tuple[Feature, ...]

    @property
    def roles(self) -> dict[str, str]:
        """Columns that are no features, by what they are; those that are given."""
        return {role: name for role in _COLUMNS if (name := getattr(self, role))}

    def feature_schema(self, names: Sequence[str]) -> FeatureSchema:
        """The features that a file with these columns gives.

        Raises:
            DataFileError: a column that the file does not have, one named twice, the label among
                the features, or no feature at all.
        """
        listed = [
            Feature(name, kind, width=MULTI_WIDTH if kind is Kind.MULTI_CATEGORY else 1)
            for pattern, kind in self.lists
            for name in self._matching(pattern, names)
        ]
        found = (*listed, *self.features)
        if not found:
            raise self._error(
                "numbers", "no features: name columns under numbers, categories or multi_categories"
            )
        self._require_fair(found)
        try:
            return FeatureSchema(found)
        except SchemaError as error:
            raise DataFileError(f"{self.path}: {error}") from None

    def _matching(self, pattern: str, names: Sequence[str]) -> list[str]:
        if pattern in names:
            return [pattern]
        roles = self.roles.values()
        found = [n for n in names if "*" in pattern and _fits(n, pattern) and n not in roles]
        if not found:
            raise self._error(pattern, f"column {pattern!r} is not in the data file")
        return found

    def _require_fair(self, features: Sequence[Feature]) -> None:
        for feature in features:
            if self.label in feature.sources:
                raise self._error(self.label, f"the label {self.label!r} cannot be a feature too")

    def _error(self, word: str, what: str) -> DataFileError:
        return DataFileError(f"{self.path}:{_line_of(self.text, word)}: {what}")


def read(path: Path) -> DataSchema:
    """Reads a schema file.

    Raises:
        DataFileError: not there, not TOML, a key or a value that is not one of a schema.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataFileError(f"{path}: cannot be read as text ({error})") from None
    return parse(text, path)


def parse(text: str, path: Path) -> DataSchema:
    """Reads a schema from its text; `path` is what messages call it. Raises as `read`."""
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataFileError(f"{path}: not TOML: {error}") from None
    for key in told:
        if key not in _KEYS:
            known = ", ".join(sorted(_KEYS))
            raise DataFileError(f"{path}:{_line_of(text, key)}: unknown key {key!r}; keys: {known}")
    columns = {role: _text(told, role, text, path) for role in _COLUMNS}
    try:
        features = FeatureSchema.from_tables(told.get("feature", [])).features
    except SchemaError as error:
        raise DataFileError(f"{path}: {error}") from None
    lists = [(name, k) for key, k in _LISTS.items() for name in _names(told, key, text, path)]
    positive = frozenset(map(_lower, _values(told.get("positive", []))))
    return DataSchema(
        path, text, positive=positive, lists=tuple(lists), features=features, **columns
    )


def _text(told: dict[str, Any], key: str, text: str, path: Path) -> str:
    value = told.get(key, "")
    if not isinstance(value, str):
        raise DataFileError(f"{path}:{_line_of(text, key)}: {key} is the name of one column")
    return value


def _names(told: dict[str, Any], key: str, text: str, path: Path) -> list[str]:
    names = told.get(key, [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DataFileError(f"{path}:{_line_of(text, key)}: {key} is a list of column names")
    return names


def _values(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [given]


def _lower(value: Any) -> str:
    return str(value).lower()


def _fits(name: str, pattern: str) -> bool:
    """Only * is special: brackets and question marks are plain characters of column names."""
    return fnmatchcase(name, pattern.replace("[", "[[]").replace("?", "[?]"))


def _line_of(text: str, word: str) -> int:
    """The line where a word first stands, from 1; 1 where it does not."""
    return text[: max(text.find(word), 0)].count("\n") + 1
