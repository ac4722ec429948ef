"""The ground: argument checks, the checkout, hashing, queueing, timing and an HTTP server, for any part to use."""
