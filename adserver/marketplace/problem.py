"""What can be wrong with a marketplace, as values, so that all of it can be said at once.

Never here: the rules themselves (`rules`, `notation`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

SHOWN = 20


class Sentence(str):
    """English that can be said in other languages: it knows its template and what fills it.

    The template is filled as `"%(name)s" % values`, so a percent sign in it is doubled; a value may
    be a sentence, too. Wherever it is put together with other text it becomes plain English.
    """

    template: str
    values: Mapping[str, object]

    def __new__(cls, template: str, /, **values: object) -> "Sentence":
        """The template with its values."""
        filled = super().__new__(cls, template % values)
        filled.template, filled.values = template, values
        return filled

    def __str__(self) -> str:
        """Itself, so that an exception that is made of it still says it."""
        return self

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, object]]:
        """What copies and pickles are made of again: a filled text is no template."""
        return (self.template,), dict(self.values)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: with which entity, in which field, at which line (0: no file).

    `kind` is "line_item" and so on, "" for the file as a whole; `field` is a path such as
    "targeting.country.include[1]".
    """

    kind: str
    entity_id: str
    field: str
    message: str
    line: int = 0

    def __str__(self) -> str:
        place = [f"line {self.line}"] if self.line else []
        if self.kind:
            place.append(f"{self.kind} {self.entity_id}".strip())
        if self.field:
            place.append(self.field)
        return f"{', '.join(place)}: {self.message}" if place else self.message


class CatalogError(ValueError):
    """A marketplace, or a change to one, that is refused; nothing was changed."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        lines = [str(problem) for problem in problems[:SHOWN]]
        if len(problems) > SHOWN:
            lines.append(f"and {len(problems) - SHOWN} more")
        super().__init__("\n".join(lines))


class NotationError(ValueError):
    """A value that is not written as its field asks. `path` leads to the wrong part inside it."""

    def __init__(self, message: str, *path: str | int) -> None:
        super().__init__(message)
        self.path = path

    def within(self, step: str | int) -> "NotationError":
        """The same error seen from one level further out."""
        return NotationError(str(self), step, *self.path)


def spell_path(*path: str | int) -> str:
    """("caps", 2) as "caps[2]"."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".")
