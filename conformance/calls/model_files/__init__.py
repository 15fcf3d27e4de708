"""Read the transposed convolutions of a model file, each as a case.

``formats`` is the table of the kinds of model. Each has one reader, which uses the framework's own parser. It runs
in a process of its own (``process``), which ``reading`` starts: a parser that crashes, or prints, harms nothing.
"""

from __future__ import annotations

from conformance.calls.model_files.formats import FORMATS, ModelFormat, format_of
from conformance.calls.model_files.reading import read_model_file
from conformance.calls.model_files.records import ModelFile, ModelFileError, ModelLayer

__all__ = ["FORMATS", "ModelFile", "ModelFileError", "ModelFormat", "ModelLayer", "format_of", "read_model_file"]
