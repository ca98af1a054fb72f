"""Growth where people train: Accelerate, Lightning, and the Trainer of Hugging Face's transformers.

Each library has a module of its own, which is imported by who uses it; none is imported here.
"""
