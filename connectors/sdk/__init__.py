"""The contract between syncd and a connector.

`contract.py` says what a connector can do, `values.py` what is told, `errors.py` what can go wrong, `http.py` holds the
one HTTP client, `signatures.py` the proof of deliveries, `reader.py` reads foreign JSON, `suite.py` is the conformance
suite, `fake.py` a connector in memory and `hostile.py` one that misbehaves.
"""
