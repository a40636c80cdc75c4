"""What the daemon answers over HTTP. `edge.py` puts the routes together; `webhooks.py` is the busy one.

`who.py` is the one table of who may ask for what. `site.py` adds pages, API and defence to the app: a new module of
pages is entered there.

A page is a function in a module with `pages = Pages()` (`frame/pages.py`):

    @pages.get("/app/stock")                      # its line in who.py: "GET /app/stock": _VIEWER
    def stock(visit: Visit) -> Response:
        with visit.reading() as session: …        # visit.engine, visit.merchant_id, visit.actor, visit.now, visit.times
        return visit.render("stock.html", rows=rows)

    @pages.post("/app/stores/{name}/pause")       # the CSRF token has been checked: forms hold {{ ui.csrf() }}
    def pause(visit: Visit) -> Response:
        connections.pause(visit.engine, …, actor=visit.actor)
        return visit.go("/app/stores", said="Paused.")        # tone="ok" | "info" | "warn" | "bad"

`visit.part(name)` path, `visit.query(name)` address, `visit.sent(name)` form, `visit.sent_all(name)`,
`visit.secret(name)` as typed; `visit.may("operator")`; `visit.is_part` (htmx asks), `visit.draw(template, …)` text for
parts and events; `visit.with_query(page=2)`; `visit.leave(url, "Shopify")` to a consent page. `raise NothingHere` is
the 404 page; a SyncdError is told on the page the form stood on. `@pages.stream(path)` serves an `async` event stream.
Templates extend `frame.html` (blocks title, crumb, sub, actions, content, scripts; `{% set place = "stock" %}`), or
`door.html`; `{% import "ui.html" as ui with context %}` has icon, csrf, field, err, state, tell; also `at(t)`,
`ago(t)`, `iso(t)`, `asset("app.css")` and the filters number, signed, money, initials.
"""
