"""docs/events.md explains every column of every table, in the schema's own words.

After a change of the schema: python -m tests.adserver.eventlog.test_docs
"""

from pathlib import Path

from adserver.eventlog.schema import TABLES

PAGE = Path(__file__).parents[3] / "docs" / "events.md"
BEGIN, END = "<!-- tables: from adserver/eventlog/schema.py -->\n", "<!-- end of tables -->\n"


def tables_as_markdown() -> str:
    """The page's part that the schema writes."""
    lines = [BEGIN]
    for table in TABLES:
        kept = "never expires" if table.money else "expires after `ADUNION_LOG_RETENTION_DAYS`"
        lines += [f"### {table.name}\n", "\n", f"{table.meaning}\n", "\n"]
        lines += [f"Sorted by {', '.join(table.order)}; partitioned by the UTC day of "]
        lines += [f"`{table.day_of}`; {kept}.\n", "\n", "| column | type | meaning |\n"]
        lines += ["| --- | --- | --- |\n"]
        for column in table.columns:
            kind = "String" if column.kind == "Bytes" else column.kind
            lines.append(f"| `{column.name}` | {kind} | {column.meaning} |\n")
        lines.append("\n")
    return "".join([*lines, END])


def test_the_page_has_the_tables_of_the_schema() -> None:
    _, begin, rest = PAGE.read_text().partition(BEGIN)
    written = begin + rest.partition(END)[0] + END
    assert written == tables_as_markdown()


def write_page() -> None:
    """Puts the schema's tables into the page, between its two marks."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(before + tables_as_markdown() + rest.partition(END)[2])


if __name__ == "__main__":
    write_page()
