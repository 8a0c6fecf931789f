"""Other systems than the network: CRF, BiLSTM, a plain transformer; spaCy and foreign models.

Those that learn are `System`s: fit, predict, save, load, evaluate. All are `Tagger`s, so that every
command which takes a model takes them.
"""
