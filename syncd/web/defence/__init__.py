"""What stands before every route, as plain ASGI: headers, sizes, rates."""
