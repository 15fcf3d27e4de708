"""What an error message says: its kind, and the parameters that it names outside the echo of its arguments."""

from __future__ import annotations

import re

__all__ = ["clean_message", "kind_of", "named_parameters", "pattern_of"]

# The framework's list of its arguments, which names every parameter and does not say which one is refused.
_ECHO = re.compile(
    r"\s*(Arguments received by |Call arguments received by |Received: |\(call arguments: ).*", re.DOTALL
)
# Parts that contain names of parameters by accident: nodes of graphs, functions, types of tensors, paths.
_ACCIDENTAL = (
    re.compile(r"\{\{.*?\}\}|\[Op:[^\]]*\]|\[\[.*?\]\]"),
    re.compile(r"\b\w*(?:Tensor|[Aa]rray|ShapedArray)\([^()]*(?:\([^()]*\)[^()]*)*\)"),
    re.compile(r"\b\w*dtype=[^\s,)]+"),
    re.compile(r"[\w.$]*[Cc]onv(?!olution)[\w.$]*(?:\(\d*\))?"),
    re.compile(r"\S*/\S+"),
)
_EXCEPTION = re.compile(r"^[A-Za-z_.]+(?:Error|Exception|Failure|Warning)?: ")

# Patterns of the words for each parameter; a match is never part of a longer name.
_PARAMETERS = {
    "layout": r"N(?:CD?H?W|D?H?WC)|data.?format|tensor format|layouts?|channels?[_ -](?:first|last)",
    "output_padding": r"output[_ ]?padding\w*|output_pads?",
    "dilation": r"(?:rhs_|kernel_|window_)?dilat(?:ions?|ed|ion_rates?)\w*|atrous",
    "stride": r"strides?(?:_\w+)?|window_strides",
    "groups": r"(?:feature_|batch_)?groups?(?:_count)?",
    "padding": r"(?:explicit_)?pads?|(?:explicit_)?paddings?(?:_\w+)?|auto_pad",
    "kernel_size": r"kernel[_ ](?:size|shape)\w*|filter[_ ](?:size|shape)s?|ksize",
    "output_size": r"output[_ ](?:sizes?|shapes?)",
    "dtype": r"dtypes?|data[_ ]types?|element types?|b?float(?:16|32|64)|half|doubles?|complex(?:64|128)?",
    "bias": r"bias(?:es)?",
    "channels": r"(?:in_|out_|input |output )?channels?|depth",
    "input_size": r"input (?:sizes?|shapes?)|spatial|empty|zero[- ]?(?:sized?|elements?)",
    "batch": r"batch(?:es|[_ ]size)?",
}
_PATTERNS = {
    name: re.compile(rf"(?<![A-Za-z0-9_])(?:{pattern})(?![A-Za-z0-9_])", re.IGNORECASE)
    for name, pattern in _PARAMETERS.items()
}
_KINDS = (
    ("an internal error", r"internal|check failed|assert|unreachable|segfault|\bbug\b"),
    (
        "not implemented",
        r"not (yet )?(implemented|supported?)|unimplemented|unsupported|(does|do) not (yet )?support|no kernel|"
        r"only supports?\b|could not find an implementation|not_implemented",
    ),
    ("out of memory", r"out of memory|\boom\b|bad_alloc|resource.?exhausted"),
    ("an invalid argument", r"must|should|expected|invalid|incompatible|cannot|mismatch|got|required?s?\b"),
)


def clean_message(detail: str) -> str:
    """A message without the echo of its arguments and without names that it contains by accident."""
    text = _ECHO.sub("", detail)
    for pattern in _ACCIDENTAL:
        text = pattern.sub(" ", text)
    return " ".join(text.split())


def named_parameters(detail: str) -> list[str]:
    """The parameters that a message names, in its order."""
    text = _EXCEPTION.sub("", clean_message(detail))
    places: dict[str, int] = {}
    for name, pattern in _PATTERNS.items():
        match = pattern.search(text)
        if match:
            places[name] = match.start()
            # The words of one parameter may contain those of another: "output padding" is not "padding".
            text = pattern.sub(lambda m: " " * len(m[0]), text)
    return sorted(places, key=places.__getitem__)


def kind_of(detail: str) -> str:
    """What kind of refusal a message is, as text that follows "refused:"."""
    text = clean_message(detail)
    texts = (_EXCEPTION.sub("", text).lower(), text.lower())
    return next((kind for part in texts for kind, pattern in _KINDS if re.search(pattern, part)), "an error")


def pattern_of(detail: str) -> str:
    """A message without its numbers, so that the same refusal of another case gives the same text."""
    return re.sub(r"(?:[-+]?\d+(?:\.\d+)?[x, ]*)+", "#", clean_message(detail))
