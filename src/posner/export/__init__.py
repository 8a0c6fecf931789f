"""A trained network as an ONNX graph that the base install runs, in full or in 8-bit precision."""

MAX_LOSS = 0.2
"""Points of strict F1 that 8 bits may lose on labelled documents, unless another limit is given."""
