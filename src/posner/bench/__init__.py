"""How fast a model is: words per second, latency, start-up, memory, each in a fresh process."""
