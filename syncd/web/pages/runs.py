"""Sync runs: why, by whom, what they changed, and putting it back."""

from starlette.responses import Response

from schema.tables import SyncRun
from syncd.engine import runs, undo
from syncd.engine.views.run_counts import changed_counts
from syncd.errors import NotPossible
from syncd.web.frame.pages import NothingHere, Pages
from syncd.web.frame.visit import Visit
from syncd.web.frame.wording import count_words
from syncd.web.pages.paging import number_of

pages = Pages()

PAGE = 50
MOST_PUSHES = 500
KINDS = {
    "sync": "Sync",
    "push": "Numbers set",
    "undo": "Put back",
    "reconcile": "Whole store compared",
    "create": "Products made",
}
COUNTS = {
    "acknowledged": "set and confirmed",
    "refused": "not set: the store showed another number",
    "unknown": "sent without an answer",
    "not_sent": "not sent",
    "read": "read",
    "differ": "differ",
    "orders": "orders read",
    "pushed": "numbers set",
    "looked": "numbers looked at",
    "recorded": "sales recorded",
    "matched": "SKUs matched",
    "made": "products made",
    "found": "products that were there already",
    "stopped": "products not made, because it was stopped",
}


@pages.get("/app/runs")
def run_list(visit: Visit) -> Response:
    """The newest first."""
    with visit.reading() as session:
        before = number_of(visit, "before") or None
        kind = visit.query("kind") or None
        found = runs.list_runs(session, visit.merchant_id, kind=kind, before=before, limit=PAGE)
        counts = changed_counts(session, [run.id for run in found])
    return visit.render("runs/list.html", runs=found, counts=counts, kinds=KINDS, kind=kind or "", page=PAGE)


@pages.get("/app/runs/{run_id:int}")
def one(visit: Visit) -> Response:
    """One run with every number of it."""
    with visit.reading() as session:
        run = _found(visit)
        view, pushes = runs.show_run(session, run)
    return visit.render(
        "runs/run.html",
        run=view,
        pushes=pushes[:MOST_PUSHES],
        more=max(0, len(pushes) - MOST_PUSHES),
        kinds=KINDS,
        words=count_lines(view),
        would=view.counts.get("would_push", []),
    )


def count_lines(run: runs.RunView) -> list[str]:
    """What came of it, in words."""
    return [
        f"{number:,} {COUNTS[name]}"
        for name, number in run.counts.items()
        if name in COUNTS and isinstance(number, int) and number
    ]


def live_parts(visit: Visit) -> list[tuple[str, str]]:
    """How far a run is."""
    with visit.reading() as session:
        try:
            run = runs.find_run(session, visit.merchant_id, number_of(visit, "run"))
        except NotPossible:
            return []
        view, _ = runs.show_run(session, run)
    return [("progress", visit.draw("runs/progress.html", run=view, words=count_lines(view)))]


def _found(visit: Visit) -> SyncRun:
    with visit.reading() as session:
        try:
            return runs.find_run(session, visit.merchant_id, int(visit.part("run_id")))
        except NotPossible:
            raise NothingHere from None


@pages.get("/app/runs/{run_id:int}/undo")
def ask_undo(visit: Visit) -> Response:
    """List what can be put back, and what has changed since and stays."""
    run = _found(visit)
    with visit.reading() as session:
        rows = undo.plan(session, run, visit.now)
    able = [row for row in rows if not row.stays]
    return visit.render("runs/undo.html", run=run, rows=rows, able=able, title=_undo_words(len(able), len(rows)))


def _undo_words(able: int, total: int) -> str:
    stay = total - able
    words = f"Put back {able} of {total}."
    return f"{words} {count_words(stay, 'has', 'have')} changed since and stay." if stay else words


@pages.post("/app/runs/{run_id:int}/undo")
def put_back(visit: Visit) -> Response:
    """Put back what can be."""
    run_id = _found(visit).id or 0
    done = undo.undo(visit.engine, visit.merchant_id, run_id, actor=visit.actor)
    said = f"{count_words(done.put_back, 'number is', 'numbers are')} put back and stay so until you release them."
    if done.refused:
        said += f" {count_words(done.refused, 'was', 'were')} refused."
    return visit.go(f"/app/runs/{done.run_id or run_id}", said=said, tone="ok" if done.put_back else "warn")
