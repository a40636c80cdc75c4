"""What goes wrong during the demo: how much of it, and when the daemon is killed."""

from syncd.demo.stage import Stage

STORE_TROUBLE = {
    "latency_seconds": 0.1,
    "error_rate": 0.02,
    "lost_answer_rate": 0.02,
    "webhook_drop_rate": 0.05,
    "webhook_duplicate_rate": 0.1,
    "webhook_delay_seconds": 0.2,
    "webhook_reorder": True,
}
PROKIP_TROUBLE = {
    "latency_seconds": 0.1,
    "error_rate": 0.02,
    "lost_answer_rate": 0.01,
    "commit_then_500_rate": 0.02,
    "commit_then_hang_rate": 0.02,
    "commit_then_hang_seconds": 3.0,
}
IN_WORDS = (
    "In 100: 5 webhooks lost, 10 doubled, all late and out of order; 2 requests fail, 2 are done but their answer is "
    "lost; Prokip also records 4 sales and then fails or hangs. Every answer takes 0.1 s."
)


def begin(stage: Stage) -> None:
    """Let everything go wrong at its rate."""
    for store in stage.stores.values():
        store.trouble(**STORE_TROUBLE)
    stage.till.trouble(**PROKIP_TROUBLE)
