"""What the daemon answers over HTTP. `edge.py` puts the routes together; `webhooks.py` is the busy one."""
