"""What hostile documents cost: CPU until each is refused or found valid, beside graphql-core with a token limit alone.

``python -m benchmarks.document_bombs``. The texts attack what is worse than linear in parsing and validating; the last
group is as large as the limits allow. Ends with whole bodies of 2 MB, and with what pricing an operation costs.
"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson
from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    get_introspection_query,
    get_operation_ast,
    parse,
    validate,
)

from engine.limits import Limits, Reader
from engine.pricing import Pricing
from graph import costs
from graph import schema as graph_schema
from server.graphql_request import Refused, from_body

ROUNDS = 3
TOKENS = 10_000
"""The limit that graphql-core alone is given."""

LARGE = 2_000_000
QUERIES = Path(__file__).parents[1] / "examples/queries"


def doubling(levels: int) -> str:
    chain = "".join(f"fragment F{i} on Order{{...F{i + 1} ...F{i + 1}}}" for i in range(levels))
    return f"{{order(id:1){{...F0}}}}{chain}fragment F{levels} on Order{{id}}"


def many(template: str, count: int) -> str:
    return "".join(template.replace("#", str(each)) for each in range(count))


def fragments(count: int, selection: str) -> str:
    return f"{{order(id:1){{{many('...F# ', count)}}}}}" + many(f"fragment F# on Order{{{selection}}}", count)


NEST = (
    "lines{lineNumber item{sku description}ordered{value unit}shipped{value unit}}"
    "shipments{number status carrier{scac name}packages{id}events{status message}}"
    "customer{name number}totals{total{amount currency}}source{system asOf}"
)

BOMBS: Mapping[str, str] = {
    "2 MB of spaces": "{viewer{name}" + " " * LARGE + "}",
    "2 MB of comments": "{viewer{name}" + "#\n" * (LARGE // 2) + "}",
    "2 MB in one string": '{order(id:"' + "x" * LARGE + '"){id}}',
    "2 MB of braces": "{" * LARGE,
    "2 MB of fields": "{viewer{" + "name " * (LARGE // 5) + "}}",
    "2 MB of aliases": "{viewer{" + many("a#:name ", LARGE // 13) + "}}",
    "fragments: 2^40 fields": doubling(40),
    "fragments: 2^60 fields": doubling(60),
    "fragments: 2^600 fields": doubling(600),
    "aliases of the root": "{" + many("a#:viewer{name}", 400) + "}",
    "aliases": "{order(id:1){" + many("a#:customer{name}", 400) + "}}",
    "directives of one field": "{viewer{name " + "@skip(if:false)" * 400 + "}}",
    "unknown directives": "{viewer{name " + "@skop" * 900 + "}}",
    "depth": "{order(id:1)" + "{customer{parent" * 40 + "{id}" + "}}" * 40 + "}",
    "depth beyond the parser": "{a" * 900 + "}" * 900,
    "one field again and again": "{viewer{" + "name " * 4_000 + "}}",
    "one object again and again": "{" + "viewer{name}" * 1_000 + "}",
    "objects that could merge": "{order(id:1){" + "customer{name}" * 300 + "}}",
    "inline fragments": "{order(id:1){" + "...on Order{customer{name}}" * 180 + "}}",
    "fragments in one place": fragments(200, "customer{name}status"),
    "cycles of fragments": fragments(45, many("...F# ", 12)),
    "unknown fields": "{order(id:1){" + many("statu# ", 950) + "}}",
    "unknown fields, many lines": "{order(id:1){" + "\n" * 40_000 + many("statu# ", 900) + "}}",
    "unknown fragments": "{" + many("...F# ", 700) + "}",
    "unknown members of an object": "{orders(filter:{" + many("sku#:1 ", 600) + "}){nodes{id}}}",
    "wrong members of a list": "{orders(filter:{status:[" + "RECEIVE " * 1_900 + "]}){nodes{id}}}",
    "variables of no type": "query(" + many("$v#:Strin ", 370) + "){viewer{name}}",
    "operations over one fragment": many("query Q#($v:Boolean!){...F}", 100)
    + f"fragment F on Query{{viewer{{{'name @skip(if:$v)' * 80}}}}}",
    "within: spaces": "{viewer{name}" + " " * 49_900 + "}",
    "within: a string": '{order(id:"' + "\\u0041" * 8_300 + '"){id}}',
    "within: tokens": many(f"query Q#{{orders{{nodes{{id {NEST}}}}}shipments{{nodes{{id order{{{NEST}}}}}}}}}", 9),
    "within: fields that could merge": "{order(id:1){" + "customer{name}" * 60 + "}}",
    "within: fragments that could merge": fragments(26, "customer{name}status"),
    "within: unknown members": "{orders(filter:{" + many('sku#:"' + "x" * 230 + '"', 195) + "}){nodes{id}}}",
    "within: mistakes": "{order(id:1){" + many("n" * 35 + "# ", 980) + "\n" * 2_400 + "}}",
    "the schema, as tools ask": get_introspection_query(),
    **{f"example {path.stem}": path.read_text() for path in sorted(QUERIES.glob("*.graphql"))},
}

BODY = '{"query":"{viewer{name}}","variables":{"a":%s}}'
BODIES: Mapping[str, str] = {
    "numbers": BODY % f"[{'1,' * (LARGE // 2)}1]",
    "one number": BODY % ("1" * LARGE),
    "texts": BODY % ("[" + '"1",' * (LARGE // 4) + "1]"),
    "one text": BODY % f'"{"x" * LARGE}"',
    "lists": BODY % f"[{'[],' * (LARGE // 3)}1]",
    "names": BODY % ("{" + many('"#":1,', LARGE // 11) + '"a":1}'),
    "depth": BODY % ("[" * LARGE),
    "escapes": '{"query":"' + "\\u0041" * (LARGE // 6) + '"}',
    "a document of spaces": '{"query":"{viewer{name}}' + " " * LARGE + '"}',
    "spaces": " " * LARGE,
}
"""About 2 MB each, as they come by HTTP."""


def cpu(work: Callable[[], Any]) -> tuple[float, Any]:
    """Milliseconds of this process's CPU, the best of some rounds; and what ``work`` gave."""
    spent = []
    answer = None
    for _ in range(ROUNDS):
        began = time.process_time()
        answer = work()
        spent.append((time.process_time() - began) * 1e3)
    return min(spent), answer


def alone(schema: GraphQLSchema, text: str) -> object:
    """graphql-core with nothing but a limit of tokens."""
    try:
        return validate(schema, parse(text, max_tokens=TOKENS))
    except GraphQLError as error:
        return error


def verdict(found: DocumentNode | list[GraphQLError]) -> str:
    if isinstance(found, DocumentNode):
        return "valid"
    told = found[0].extensions or {}
    return f"{told['code']} {told['limit']}" if "limit" in told else found[0].message[:40].replace("\n", " ")


def main() -> None:
    schema = graph_schema.executable(graph_schema.build())
    limits = Limits()
    reader = Reader(schema, limits)
    reader.read("{viewer{name}}")
    worst: tuple[float, str] = (0.0, "")
    print(f"{'CPU ms':36} {'characters':>10} {'core':>8} {'limits':>8}  verdict")
    for name, text in BOMBS.items():
        core, _ = cpu(lambda text=text: alone(schema, text))  # type: ignore[misc]  # bound now, called now
        ours, found = cpu(lambda text=text: reader.read(text))  # type: ignore[misc]  # as above
        worst = max(worst, (ours, name))
        print(f"{name:36} {len(text):10,} {core:8.1f} {ours:8.1f}  {verdict(found)}")
    print(f"worst: {worst[0]:.1f} ms, {worst[1]}")
    bodies()
    pricing(schema)


def bodies() -> None:
    """What a whole body costs until the operation would begin."""
    engine = graph_schema.engine(graph_schema.build())

    def begun(body: bytes) -> str:
        try:
            request = from_body(body)
        except Refused as refused:
            return refused.message
        prepared = engine.prepare(request.query or "")
        if isinstance(prepared, list):
            return verdict(prepared)
        answer = engine.appraise(prepared, request.variables, None)
        return str(answer["errors"][0]["message"]) if "errors" in answer else "allowed"

    print(f"\n{'bodies, CPU ms':36} {'bytes':>10} {'ours':>8}")
    for name, text in BODIES.items():
        body = text.encode()
        ours, said = cpu(lambda body=body: begun(body))  # type: ignore[misc]  # as above
        print(f"{name:36} {len(body):10,} {ours:8.1f}  {said[:60]}")


def pricing(schema: GraphQLSchema) -> None:
    prices = Pricing(schema, costs.declared(schema))
    print(f"\n{'price of an example, CPU µs':36} {'made':>8} {'told':>8}  cost")
    for path in sorted(QUERIES.glob("*.graphql")):
        document = parse(path.read_text())
        given = orjson.loads(path.with_suffix(".json").read_bytes())
        definitions = (each for each in document.definitions if isinstance(each, FragmentDefinitionNode))
        named = {each.name.value: each for each in definitions}
        operation = get_operation_ast(document)
        assert operation is not None
        made, price = cpu(lambda o=operation, n=named, g=given: prices.price(o, n, g))  # type: ignore[misc]  # as above
        told, _ = cpu(lambda p=price, g=given: [p(g) for _ in range(1_000)])  # type: ignore[misc]  # as above
        print(f"{path.stem:36} {made * 1e3:8.0f} {told:8.2f}  {price(given):,}")


if __name__ == "__main__":
    main()
