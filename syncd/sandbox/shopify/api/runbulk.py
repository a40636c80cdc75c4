"""bulkOperationRunQuery: what may run as a bulk operation."""

from collections.abc import Mapping

from graphql import (
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    parse,
    validate,
    visit,
)

from syncd.sandbox.shopify.api.bulk import Runner
from syncd.sandbox.shopify.api.call import Args, Call

MAX_CONNECTIONS = 5
MAX_DEPTH = 2


def run_query(call: Call, args: Args, run: Runner, schema: GraphQLSchema) -> Mapping[str, object]:
    """Start a bulk query, or say in user errors why not."""
    text = str(args["query"])
    refusal = _refusal(schema, text)
    if refusal is not None:
        return {"bulkOperation": None, "userErrors": [{"code": "INVALID", "field": ["query"], "message": refusal}]}
    operation = call.services.bulk.start(text, group=bool(args.get("groupObjects")), run=run)
    if operation is None:
        message = "The limit of bulk operations that run at the same time is reached."
        return {"bulkOperation": None, "userErrors": [{"code": "LIMIT_REACHED", "field": None, "message": message}]}
    return {"bulkOperation": operation, "userErrors": []}


def _refusal(schema: GraphQLSchema, text: str) -> str | None:
    try:
        document = parse(text)
    except GraphQLError as wrong:
        return f"Invalid bulk query: {wrong.message}"
    errors = validate(schema, document)
    if errors:
        return f"Invalid bulk query: {errors[0].message}"
    if len(document.definitions) != 1 or not isinstance(document.definitions[0], OperationDefinitionNode):
        return "Bulk queries must contain exactly one operation."
    counter = _Connections(TypeInfo(schema))
    visit(document, TypeInfoVisitor(counter.types, counter))
    if not 1 <= counter.found <= MAX_CONNECTIONS:
        return f"Bulk queries must contain between 1 and {MAX_CONNECTIONS} connections."
    if counter.deepest > MAX_DEPTH:
        return f"Bulk queries cannot nest connections deeper than {MAX_DEPTH}."
    return None


class _Connections(Visitor):
    """Counts the connections of a document and how deep they nest."""

    def __init__(self, types: TypeInfo) -> None:
        super().__init__()
        self.types = types
        self.found = self.depth = self.deepest = 0

    def _is_connection(self) -> bool:
        kind = self.types.get_type()
        return kind is not None and get_named_type(kind).name.endswith("Connection")

    def enter_field(self, *_: object) -> None:
        if self._is_connection():
            self.found += 1
            self.depth += 1
            self.deepest = max(self.deepest, self.depth)

    def leave_field(self, *_: object) -> None:
        if self._is_connection():
            self.depth -= 1
