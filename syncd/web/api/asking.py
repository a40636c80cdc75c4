"""Who asks the API, and with what: the bearer token, the role, and the kinds of arguments that routes share."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, cast

from fastapi import Depends, HTTPException, Path, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, model_validator
from sqlmodel import Session

from syncd.engine import connections
from syncd.engine.context import Engine
from syncd.engine.people import tokens
from syncd.engine.people.sessions import Visitor
from syncd.engine.people.sign_in import Place
from syncd.engine.people.users import may
from syncd.errors import NotPossible
from syncd.web.who import API, Who

MOST = 500
LARGEST_ID = 2**53
_BEARER = HTTPBearer(auto_error=False, description="A token of `/auth/login`, or a long-lived one of `/tokens`.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks, once it is sure that they may."""

    engine: Engine
    visitor: Visitor

    @property
    def merchant_id(self) -> int:
        """Whose everything it is about."""
        return self.visitor.merchant_id

    @property
    def actor(self) -> str:
        """Whose deed it is, for the audit trail."""
        return self.visitor.email

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A consistent view of the database."""
        with self.engine.database.reading() as session:
            yield session

    def connection_id(self, name: str) -> int:
        """A connection of theirs by name or code; 404 for any other."""
        with self.reading() as session, missing_is_404():
            return connections.find(session, self.merchant_id, name).id or 0

    def maybe_connection_id(self, name: str | None) -> int | None:
        """The same, where a name is given."""
        return None if name is None else self.connection_id(name)


@contextmanager
def missing_is_404() -> Iterator[None]:
    """For a block that only looks something up by what the caller named."""
    try:
        yield
    except NotPossible as error:
        raise HTTPException(404, str(error)) from None


def engine_of(request: Request) -> Engine:
    """The engine that the app was made with."""
    return cast(Engine, request.app.state.edge.engine)


def who_of(request: Request) -> Who:
    """The line of this route in the table."""
    return API[f"{request.method} {request.scope['route'].path}"]


def _admit(request: Request, told: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]) -> Caller:
    """Let in who brings a token that suffices. A cookie is never looked at."""
    _refuse_unstorable(request)
    engine, needed = engine_of(request), who_of(request).role
    visitor = tokens.visitor_of_bearer(engine, told.credentials) if told else None
    if visitor is None:
        words = "This token lets nobody in; get a new one." if told else "Send a bearer token."
        raise HTTPException(401, words, {"WWW-Authenticate": "Bearer"})
    if needed is not None and not may(visitor.role, needed):
        raise HTTPException(403, f"This needs the role {needed.value}; you are {visitor.role.value}.")
    return Caller(engine=engine, visitor=visitor)


def _refuse_unstorable(request: Request) -> None:
    words = (*request.path_params.values(), *request.query_params.values())
    if any("\x00" in str(word) for word in words):
        raise HTTPException(422, "A zero byte is no text.")


Asking = Annotated[Caller, Depends(_admit)]


def _session_only(caller: Asking) -> Caller:
    """For what a person does with their own account: a program's token may not."""
    if caller.visitor.session_id is None:
        raise HTTPException(403, "A long-lived token may not do this. Sign in.")
    return caller


AskingPerson = Annotated[Caller, Depends(_session_only)]


def place_of(request: Request) -> Place:
    """Where a request comes from."""
    client = request.client
    return Place(address=client.host if client else "", agent=request.headers.get("user-agent", ""))


# ------------------------------------------------------------------------------------------- kinds of arguments


def _storable(value: datetime) -> datetime:
    if not 2000 <= value.year <= 2200:
        raise ValueError("between the years 2000 and 2200")
    return value


Moment = Annotated[AwareDatetime, AfterValidator(_storable)]
Id = Annotated[int, Path(ge=1, le=LARGEST_ID)]
Limit = Annotated[int, Query(ge=1, le=MOST, description="How many at most.")]
Cursor = Annotated[str | None, Query(max_length=600, description="`next` of the page before.")]
ConnectionName = Annotated[str, Path(max_length=60, description="A connection's name or code.")]
OfConnection = Annotated[str | None, Query(max_length=60, description="Only of this connection, by name or code.")]


class Sent(BaseModel):
    """A body. Unknown fields are refused: a mistyped name must not be a change that silently was not made."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _is_storable(cls, data: object) -> object:
        if _holds_zero(data):
            raise ValueError("a zero byte is no text")
        return data


def _holds_zero(data: object) -> bool:
    left = [data]  # no recursion: a body may be nested as deeply as its parser takes
    while left:
        match left.pop():
            case str() as word if "\x00" in word:
                return True
            case dict() as told:
                left += (*told.keys(), *told.values())
            case list() as values:
                left += values
            case _:
                pass
    return False
