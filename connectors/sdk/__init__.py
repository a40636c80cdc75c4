"""The contract between syncd and a connector.

`contract.py` says what a connector can do, `values.py` what is told, `errors.py` what can go wrong, `http.py` holds the one
HTTP client, `signatures.py` the comparison of signatures, `suite.py` the conformance suite, `fake.py` a connector in memory.
"""
