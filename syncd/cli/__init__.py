"""The command line: every verb is one engine function (CONTRIBUTING says where). `frame.py` is around each."""
