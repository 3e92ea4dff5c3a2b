"""The carriers, each in its vendor's own wire format; how they are asked and how their word is told is shared.

A new carrier is a package of ``adapter.py`` (I/O), ``wire.py`` (its shapes, pure) and ``codes.tsv``, one line in
``sources.registry``, and a test that inherits ``CarrierContract``.
"""
