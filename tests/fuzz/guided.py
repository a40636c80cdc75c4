"""Coverage-guided: `pip install atheris`, then `python -m tests.fuzz.guided facts-custom -max_total_time=60`.

libFuzzer keeps what reaches new branches of the connectors and goes on from there; our mutations are its mutator.
"""

import random
import sys

import atheris

with atheris.instrument_imports(include=["connectors", "syncd.config", "syncd.web.sales_csv", "syncd.web.frame"]):
    from tests.fuzz.parsers import targets


def main() -> None:
    """Until it breaks, or as long as libFuzzer's arguments say."""
    name = sys.argv.pop(1)
    target = next(one for one in targets() if one.name == name)

    def take(data: bytes) -> None:
        target.take(data, random.Random(data))

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        rng = random.Random(seed)
        return target.mutate(rng, data or rng.choice(target.samples))[:most]

    atheris.Setup(sys.argv, take, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
