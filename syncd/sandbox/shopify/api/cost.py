"""Query cost: what a document asks for before it runs, what it used afterwards, and the bucket of points.

Published rules: a scalar costs nothing, an object one point, a connection grows with its size, a mutation ten. The
exact formula is not public; this one is linear and so rather dear.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
)

MAX_QUERY_COST = 1000
MUTATION_COST = 10
CONNECTION_COST = 2
POINTS_PER_SECOND = {"standard": 100, "advanced": 200, "plus": 1000, "enterprise": 2000}
SECONDS_OF_POINTS = 20


@dataclass(slots=True, kw_only=True)
class Bucket:
    """The leaking bucket of one app in one store."""

    restore_rate: int
    filled_at: datetime
    available: float = field(init=False)

    def __post_init__(self) -> None:
        """Start full."""
        self.available = self.maximum

    @property
    def maximum(self) -> int:
        """The most points it holds."""
        return self.restore_rate * SECONDS_OF_POINTS

    def refill(self, now: datetime) -> None:
        """Let the points of the time since the last call flow in."""
        seconds = (now - self.filled_at).total_seconds()
        self.available = min(self.maximum, self.available + max(0.0, seconds) * self.restore_rate)
        self.filled_at = now

    def status(self) -> dict[str, object]:
        """ThrottleStatus."""
        return {
            "maximumAvailable": float(self.maximum),
            "currentlyAvailable": int(self.available),
            "restoreRate": float(self.restore_rate),
        }


def requested_cost(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, variables: Mapping[str, object]
) -> int:
    """What an operation may use at most."""
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    root = schema.get_root_type(operation.operation)
    if root is None:
        return 0
    base = (
        MUTATION_COST * len(operation.selection_set.selections) if operation.operation is OperationType.MUTATION else 0
    )
    return base + _Coster(schema, fragments, variables).selection(operation.selection_set, root)


@dataclass(frozen=True, slots=True)
class _Coster:
    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, object]

    def selection(self, selections: SelectionSetNode | None, parent: object) -> int:
        return sum(self._one(node, parent) for node in (selections.selections if selections else ()))

    def _one(self, node: object, parent: object) -> int:
        if isinstance(node, FragmentSpreadNode):
            fragment = self.fragments[node.name.value]
            return self.selection(fragment.selection_set, self._named(fragment.type_condition.name.value))
        if isinstance(node, InlineFragmentNode):
            target = self._named(node.type_condition.name.value) if node.type_condition else parent
            return self.selection(node.selection_set, target)
        if isinstance(node, FieldNode) and isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
            return self._field(node, parent)
        return 0

    def _named(self, name: str) -> object:
        return self.schema.get_type(name)

    def _field(self, node: FieldNode, parent: GraphQLObjectType | GraphQLInterfaceType) -> int:
        definition = parent.fields.get(node.name.value)
        if definition is None:
            return 0
        kind = get_named_type(definition.type)
        if not isinstance(kind, GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType):
            return 0
        below = self.selection(node.selection_set, kind)
        size = self._size(node)
        if kind.name.endswith("Connection"):
            return CONNECTION_COST + (size or 1) * max(1, below)
        if kind.name == "PageInfo" or kind.name.endswith("Edge"):
            return below
        return (size or 1) * (1 + below)

    def _size(self, node: FieldNode) -> int | None:
        for argument in node.arguments or ():
            if argument.name.value in ("first", "last", "ids"):
                return self._number(argument.value)
        return None

    def _number(self, value: ValueNode) -> int | None:
        found: object = None
        if isinstance(value, VariableNode):
            found = self.variables.get(value.name.value)
        elif isinstance(value, IntValueNode):
            found = int(value.value)
        elif isinstance(value, ListValueNode):
            found = list(value.values)
        return len(found) if isinstance(found, list) else found if isinstance(found, int) else None


def actual_cost(data: object) -> int:
    """What an answer used: one point for each object in it, wrappers of connections aside."""
    if isinstance(data, list):
        return sum(actual_cost(each) for each in data)
    if not isinstance(data, dict):
        return 0
    is_wrapper = bool({"edges", "nodes", "pageInfo", "hasNextPage", "node", "endCursor"} & set(data))
    return (0 if is_wrapper else 1) + sum(actual_cost(value) for value in data.values())
