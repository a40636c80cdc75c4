"""Runs GraphQL documents as Shopify does: errors with status 200, costs before and after, and its unwritten rules.

Unwritten are, since 2026-04: `@idempotent` on inventory and refund mutations, and `changeFromQuantity` in every row.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
    execute_sync,
    get_directive_values,
    get_operation_ast,
    parse,
    validate,
)

from syncd.sandbox.shopify.api import schema as simulated
from syncd.sandbox.shopify.api.call import Call, failure
from syncd.sandbox.shopify.api.cost import MAX_QUERY_COST, Bucket, actual_cost, requested_cost
from syncd.sandbox.shopify.api.inventory import CODED, error, plain
from syncd.sandbox.shopify.api.runbulk import run_query
from syncd.sandbox.shopify.shop import Body

NEEDS_KEY = frozenset({"inventorySetQuantities", "inventoryAdjustQuantities", "inventoryActivate", "refundCreate"})
TOP_LEVEL = frozenset({"BAD_REQUEST", "INVALID_FIELD_ARGUMENTS", "INVALID_VARIABLE", "MAX_INPUT_SIZE_EXCEEDED"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request body that could be read."""

    document: DocumentNode
    operation: OperationDefinitionNode
    variables: dict[str, object]


def operations(asked: Asked) -> list[tuple[str, str]]:
    """What the document does: ("reads" or "writes", name of the root field)."""
    kind = "writes" if asked.operation.operation is OperationType.MUTATION else "reads"
    return [(kind, n.name.value) for n in asked.operation.selection_set.selections if isinstance(n, FieldNode)]


def read(body: bytes) -> Asked | Body:
    """Parse and validate a request; an answer with errors where that fails.

    Numbers with a point become Decimal, so that 5.0 is no Int, as on the real server.
    """
    try:
        wanted = json.loads(body, parse_float=Decimal)
        document = parse(str(wanted["query"]))
    except GraphQLSyntaxError as wrong:
        return {"errors": [{**wrong.formatted, "extensions": {"code": "PARSE_ERROR"}}]}
    found = validate(simulated.admin_schema(), document)
    if found:
        return {"errors": [{**each.formatted, "extensions": {"code": _validation_code(each)}} for each in found]}
    operation = get_operation_ast(document, wanted.get("operationName"))
    if operation is None:
        return {"errors": [{"message": "An operation name is required", "extensions": {"code": "BAD_REQUEST"}}]}
    return Asked(document=document, operation=operation, variables=dict(wanted.get("variables") or {}))


def _validation_code(wrong: GraphQLError) -> str:
    for words, code in (
        ("Cannot query field", "undefinedField"),
        ("Unknown argument", "argumentNotAccepted"),
        ("is not defined by type", "argumentNotAccepted"),
        ("Expected", "argumentLiteralsIncompatible"),
    ):
        if words in wrong.message:
            return code
    return "BAD_REQUEST"


def answer(call: Call, asked: Asked, bucket: Bucket, *, throttles: bool) -> Body:
    """Execute a document within the bucket."""
    requested = requested_cost(simulated.admin_schema(), asked.document, asked.operation, asked.variables)
    if requested > MAX_QUERY_COST:
        message = f"Query cost is {requested}, which exceeds the single query max cost limit {MAX_QUERY_COST}."
        return _refusal("MAX_COST_EXCEEDED", message, requested, bucket)
    if throttles and bucket.available < requested:
        return _refusal("THROTTLED", "Throttled", requested, bucket)
    bucket.available -= requested
    result = run(call, asked)
    used = min(requested, (10 if asked.operation.operation is OperationType.MUTATION else 0) + actual_cost(result.data))
    bucket.available += requested - used
    body: Body = {"extensions": {"cost": _cost(requested, used, bucket)}}
    if call.warnings:
        body["extensions"] = {"cost": _cost(requested, used, bucket), "search": call.warnings}
    if result.errors:
        body["errors"] = [each.formatted for each in result.errors]
    is_refused = any(_code(each) in TOP_LEVEL for each in result.errors or ())
    return body if is_refused else {"data": result.data, **body}


def _code(wrong: GraphQLError) -> object:
    return (wrong.extensions or {}).get("code")


def _cost(requested: int, used: int | None, bucket: Bucket) -> Body:
    return {"requestedQueryCost": requested, "actualQueryCost": used, "throttleStatus": bucket.status()}


def _refusal(code: str, message: str, requested: int, bucket: Bucket) -> Body:
    return {
        "errors": [{"message": message, "extensions": {"code": code}}],
        "extensions": {"cost": _cost(requested, None, bucket)},
    }


def run(call: Call, asked: Asked) -> ExecutionResult:
    """Execute without looking at costs. Variables that do not fit become INVALID_VARIABLE."""
    result = execute_sync(
        simulated.admin_schema(),
        asked.document,
        context_value=call,
        variable_values=asked.variables,
        operation_name=asked.operation.name.value if asked.operation.name else None,
        field_resolver=_resolve,
        type_resolver=simulated.type_name,
    )
    for wrong in result.errors or ():
        if not wrong.extensions:
            if wrong.original_error is not None and not isinstance(wrong.original_error, GraphQLError):
                raise wrong.original_error
            wrong.extensions = {"code": "INVALID_VARIABLE"}
    return result


def _resolve(source: object, info: GraphQLResolveInfo[Call], **args: object) -> object:
    if info.parent_type.name != "Mutation":
        return simulated.resolve(source, info, **args)
    call: Call = info.context
    call.services.webhooks.begin_event()
    if info.field_name == "bulkOperationRunQuery":
        return run_query(call, args, lambda text: run_bulk(call, text), info.schema)
    key = _key(info)
    if key is None:
        if info.field_name in NEEDS_KEY:
            raise failure(
                "BAD_REQUEST", "The @idempotent directive is required for this mutation but was not provided."
            )
        return simulated.resolve(source, info, **args)
    return call.services.keys.once(
        key,
        info.field_name,
        args,
        now=call.shop.clock(),
        latency=call.latency,
        run=lambda: _payload(simulated.resolve(source, info, **args)),
        refuse=lambda code: _key_refusal(info.field_name, code),
    )


def _payload(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise TypeError(f"a mutation answers with a mapping, not {type(value)}")
    return value


def _key(info: GraphQLResolveInfo[Call]) -> str | None:
    directive = info.schema.get_directive("idempotent")
    if directive is None:
        return None
    values = get_directive_values(directive, info.field_nodes[0], info.variable_values)
    return None if values is None else str(values["key"])


def _key_refusal(operation: str, code: str) -> Mapping[str, object]:
    message = f"The idempotency key cannot be used: {code.lower()}"
    coded = operation in CODED
    return {"userErrors": [error(code, ["idempotencyKey"], message) if coded else plain(["idempotencyKey"], message)]}


def run_bulk(call: Call, text: str) -> Mapping[str, object]:
    """Execute the query of a bulk operation: every page at once, at no cost."""
    asked = read(json.dumps({"query": text}).encode())
    if not isinstance(asked, Asked):
        return {}
    return run(replace(call, is_bulk=True), asked).data or {}
