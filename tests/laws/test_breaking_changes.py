"""Law 2, second half: what breaks a client needs a line in the changelog that names it."""

from pathlib import Path

from graphql import build_schema, find_breaking_changes

ROOT = Path(__file__).parents[2]


def unannounced(old: str, new: str, changelog: str) -> list[str]:
    """The breaking changes from ``old`` to ``new`` whose type or field no line of ``changelog`` names."""
    before, after = (build_schema(sdl, assume_valid=True, assume_valid_sdl=True) for sdl in (old, new))
    changes = find_breaking_changes(before, after)
    return [each.description for each in changes if not _named(each.description, changelog)]


def _named(description: str, changelog: str) -> bool:
    coordinates = {word.strip(".'") for word in description.split()}
    return any(f"`{coordinate}`" in changelog for coordinate in coordinates)


def test_every_breaking_change_since_the_last_release_is_announced() -> None:
    """``released.graphql`` is the schema as clients last saw it; a release replaces it."""
    old = Path(__file__).with_name("released.graphql").read_text()
    new, changelog = (ROOT / "schema.graphql").read_text(), (ROOT / "CHANGELOG.md").read_text()
    assert unannounced(old, new, changelog) == []


def test_a_removed_field_wants_a_line() -> None:
    old, new = "type Query { a: Int b: Int }", "type Query { a: Int }"
    assert len(unannounced(old, new, "nothing")) == 1
    assert unannounced(old, new, "- Removed `Query.b`: nobody asked.") == []


def test_a_new_field_wants_none() -> None:
    assert unannounced("type Query { a: Int }", "type Query { a: Int b: Int }", "") == []


def test_a_removed_type_wants_a_line() -> None:
    old = "type Query { a: A } type A { a: Int } type B { a: Int }"
    new = "type Query { a: A } type A { a: Int }"
    assert unannounced(old, new, "") != []
    assert unannounced(old, new, "- Removed `B`.") == []
