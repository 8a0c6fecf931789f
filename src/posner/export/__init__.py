"""A trained network as an ONNX graph that the base install runs, in full or in 8-bit precision."""
