"""What `/metrics` tells: counted here, in memory of this process; what is in the database is read when asked for."""

from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Histogram

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


@dataclass(frozen=True, slots=True)
class Metrics:
    """The counters of one process."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    deliveries: Counter = field(init=False)
    seconds: Histogram = field(init=False)

    def __post_init__(self) -> None:
        deliveries = Counter("syncd_deliveries", "Webhooks answered.", ["platform", "status"], registry=self.registry)
        seconds = Histogram(
            "syncd_delivery_seconds",
            "From a webhook's last byte to its answer.",
            ["platform"],
            registry=self.registry,
            buckets=SECONDS,
        )
        object.__setattr__(self, "deliveries", deliveries)
        object.__setattr__(self, "seconds", seconds)
