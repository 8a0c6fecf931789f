"""What becomes of entities after they were found: known names, and those that are too unlikely.

Each step is a function from a Document to a Document, with the same words; it changes entities
alone, and says on each what it did.
"""
