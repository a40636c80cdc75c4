"""One request for a page: who asks, what they sent, and how to answer."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode

from sqlmodel import Session
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from schema.tables import UserRole
from syncd.engine.context import Engine
from syncd.engine.people.sessions import Visitor
from syncd.engine.people.sign_in import Place, SignedIn
from syncd.engine.people.users import may
from syncd.engine.views.counts import open_issues
from syncd.web.frame import drawing, seals
from syncd.web.frame.seals import Said

SESSION = "syncd"
BROWSER = "syncd_browser"
SAID = "syncd_said"
THEME = "syncd_theme"
THEMES = ("light", "dark", "auto")
A_YEAR = 365 * 24 * 3600


@dataclass(slots=True, kw_only=True)
class Visit:
    """A request for a page. `browser` is the random word that a browser without a session is known by."""

    request: Request
    engine: Engine
    visitor: Visitor | None
    token: str
    browser: str
    is_new_browser: bool
    form: FormData = field(default_factory=FormData)

    # ------------------------------------------------------------------------------------- who asks

    @property
    def who(self) -> Visitor:
        """Who is signed in; only for pages that nobody else sees."""
        assert self.visitor is not None, "the page's line in who.py lets anybody in"
        return self.visitor

    @property
    def merchant_id(self) -> int:
        """Whose everything it is about."""
        return self.who.merchant_id

    @property
    def actor(self) -> str:
        """Whose deed it is, for the audit trail."""
        return self.who.email

    def may(self, role: str) -> bool:
        """Whether the visitor may press a button that needs this role; nobody may where nobody is signed in."""
        return self.visitor is not None and not self.visitor.is_pending and may(self.visitor.role, UserRole(role))

    @property
    def place(self) -> Place:
        """Where the request comes from."""
        client = self.request.client
        return Place(address=client.host if client else "", agent=self.request.headers.get("user-agent", ""))

    # ------------------------------------------------------------------------------------- what was sent

    def part(self, name: str) -> str:
        """A part of the path."""
        return _storable(str(self.request.path_params[name]))

    def query(self, name: str, default: str = "") -> str:
        """What stands in the address."""
        return _storable(self.request.query_params.get(name, default)).strip()

    def sent(self, name: str) -> str:
        """A field of the form, without spaces around it; empty where it is missing."""
        value = self.form.get(name, "")
        return "" if isinstance(value, UploadFile) else _storable(value).strip()

    def sent_all(self, name: str) -> list[str]:
        """Every value of a field that may come more than once."""
        return [_storable(value) for value in self.form.getlist(name) if isinstance(value, str)]

    def secret(self, name: str) -> str:
        """A field as it was typed, spaces included."""
        value = self.form.get(name, "")
        return "" if isinstance(value, UploadFile) else _storable(value)

    @property
    def is_part(self) -> bool:
        """Whether htmx asks, for a part of the page."""
        return self.request.headers.get("hx-request") == "true"

    @property
    def path(self) -> str:
        """The path asked for, with its query."""
        query = self.request.url.query
        return self.request.url.path + (f"?{query}" if query else "")

    # ------------------------------------------------------------------------------------- the world

    @property
    def now(self) -> datetime:
        """Aware UTC time."""
        return self.engine.clock.now()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A consistent view of the database."""
        with self.engine.database.reading() as session:
            yield session

    @property
    def times(self) -> drawing.Times:
        """Times in the merchant's zone."""
        return drawing.Times(zone=drawing.zone_of(self.visitor.time_zone if self.visitor else "UTC"), now=self.now)

    @property
    def csrf(self) -> str:
        """The token of this browser's forms."""
        return seals.csrf_token(self.engine.keyring, self.token or self.browser)

    def has_csrf(self) -> bool:
        """Whether the form, or htmx's header, brought the token."""
        told = self.sent("csrf") or self.request.headers.get("x-csrf-token", "")
        return seals.is_csrf_token(self.engine.keyring, self.token or self.browser, told)

    # ------------------------------------------------------------------------------------- answers

    def render(self, template: str, status: int = 200, **values: object) -> Response:
        """A page. Templates also get `visit`, `said`, `theme`, `open_issues()` and the times' `at`, `ago`, `iso`."""
        said = self._said()
        words = self.draw(template, said=said, **values)
        response = HTMLResponse(words, status_code=status, headers={"Cache-Control": "no-store"})
        if said is not None:
            response.delete_cookie(SAID, path="/")
        self.keep_browser(response)
        return response

    def draw(self, template: str, **values: object) -> str:
        """A template as text, for parts of a page and for events."""
        times = self.times
        shared: Mapping[str, object] = {
            "visit": self,
            "said": None,
            "theme": self._theme(),
            "open_issues": self._open_issues,
            "times": times,
            "at": times.at,
            "ago": times.ago,
            "iso": times.iso,
        }
        return drawing.templates().get_template(template).render({**shared, **values})

    def go(self, path: str, said: str = "", tone: str = "ok") -> Response:
        """On to another page of ours after a form, which then says one line."""
        headers = {"HX-Redirect": path} if self.is_part else {}
        response: Response = RedirectResponse(path, status_code=303, headers=headers)
        if self.is_part:
            response = Response(status_code=204, headers=headers)
        if said:
            self.set_cookie(response, SAID, seals.seal_said(self.engine.keyring, Said(words=said, tone=tone)), 60)
        self.keep_browser(response)
        return response

    def leave(self, address: str, to: str) -> Response:
        """On to somebody else's page, such as a store's consent. Browsers count a redirect as the form's own target,
        which the content policy forbids; so a page of ours says where it goes, and goes by itself.
        """
        response = self.render("leaving.html", address=address, to=to)
        response.headers["Refresh"] = f"0; url={address}"
        return response

    def enter(self, signed_in: SignedIn, path: str) -> Response:
        """Begin a session in this browser."""
        response = self.go(path)
        lasts = int((signed_in.expires_at - self.now).total_seconds())
        self.set_cookie(response, SESSION, signed_in.token, lasts)
        return response

    def set_cookie(self, response: Response, name: str, value: str, max_age: int) -> None:
        """A cookie of ours; secure wherever the address is https."""
        is_https = self.request.url.scheme == "https"
        response.set_cookie(name, value, max_age=max_age, path="/", httponly=True, samesite="lax", secure=is_https)

    def keep_browser(self, response: Response) -> None:
        """Let the browser be known again."""
        if self.is_new_browser and not self.token:
            self.set_cookie(response, BROWSER, self.browser, A_YEAR)

    def with_query(self, **changes: object) -> str:
        """This page's address with other values in its query; None takes one away."""
        merged = {**dict(self.request.query_params), **changes}
        kept = {name: str(value) for name, value in merged.items() if value not in (None, "")}
        return self.request.url.path + (f"?{urlencode(kept)}" if kept else "")

    def _said(self) -> Said | None:
        value = self.request.cookies.get(SAID)
        return seals.open_said(self.engine.keyring, value) if value else None

    def _theme(self) -> str:
        theme = self.request.cookies.get(THEME, "auto")
        return theme if theme in THEMES else "auto"

    def _open_issues(self) -> int:
        with self.reading() as session:
            return open_issues(session, self.merchant_id)


def _storable(text: str) -> str:
    """Without zero bytes, which are no text to a database."""
    return text.replace("\x00", "")
