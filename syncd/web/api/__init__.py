"""The API: one module per subject, each with a `router`. `asking.py` is who asks, `answers.py` what answers look like.

Routes call the engine functions that the command line calls. Who may ask for what is `syncd/web/who.py`.
"""
