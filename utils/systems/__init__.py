"""The systems part: caches, queues, retries, replicas."""
