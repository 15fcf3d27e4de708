"""C++, Swift and Rust as lines that are nearly Python; what of them stays foreign is left out later."""

from __future__ import annotations

import re

__all__ = ["python_of_foreign"]

# A call that only such a program has: torch::nn::ConvTranspose2dOptions, ConvTransposed2d(inputChannels: 3, ...),
# nn::ConvTransposeConfig { stride: 2, .. }, ConvTranspose2dConfig::new(...).
_CPP = re.compile(r"ConvTranspose[123]d(?:Func)?Options|torch::|\bnn::ConvTranspose")
_SWIFT = re.compile(r"ConvTransposed[123]d\s*\(\s*(?:inputChannels|\d)|\bconvTransposed[123][dD]\s*\(")
_RUST = re.compile(r"ConvTransposeConfig\s*\{|ConvTranspose[123]dConfig::|nn::conv_transpose[123]d\s*\(")

_Rules = tuple[tuple[str, str], ...]
_COMMON: _Rules = (
    (r"//(.*)$", r"#\1"),
    (r"/\*.*?\*/", ""),
    (r"::<[^<>()]*>", ""),
    (r"::", "."),
    (r"->", "."),
    (r"\btrue\b", "True"),
    (r"\bfalse\b", "False"),
    (r"\b(?:nil|nullptr|None)\b", "None"),
    (r";\s*$", ""),
)
_CPP_RULES: _Rules = (
    (r"\bstd::vector<\w+>\s*\{([^{}]*)\}", r"(\1,)"),
    (r"\b(?:torch::)?(?:ExpandingArray<\d>|IntArrayRef)\s*\(?\{([^{}]*)\}\)?", r"(\1,)"),
    (r"([(,=]\s*)\{([^{}]*)\}", r"\1(\2,)"),
    *_COMMON,
    (
        r"^(\s*)(?:const\s+|constexpr\s+|static\s+)*(?:auto|int|int64_t|size_t|bool|torch\.Tensor|at\.Tensor)\s*&?\s+(\w+)\s*=",
        r"\1\2 =",
    ),
    (r"^(\s*)(?:torch\.)?nn\.(ConvTranspose[123]d)\s+(\w+)\s*[({](.*)[)}]\s*$", r"\1\3 = nn.\2(\4)"),
)
_SWIFT_RULES: _Rules = (
    *_COMMON,
    (r"^(\s*)(?:public\s+|private\s+|@\w+(?:\([^()]*\))?\s+)*(?:let|var)\s+(\w+)\s*(?::[^=\n]*)?=", r"\1\2 ="),
    (r"\b(\w+)\s*:\s*(?=[\w(\[.\-\"])", r"\1="),
    (r"=\.init\(\(?([^()]*)\)?\)", r"=(\1)"),
    (r"\bConvTransposed([123])d\b", r"mlx_swift.ConvTransposed\1d"),
    (r"\bMLXRandom\.normal\(\s*\[", "mx.random.normal(["),
    (r"\bMLXArray\.(zeros|ones)\(", r"mx.\1("),
)
_RUST_RULES: _Rules = (
    (r"(\w+(?:::\w+)*Config(?:ND)?)\s*\{([^{}]*?),?\s*(?:\.\.\s*[\w:]+(?:\(\))?)?\s*\}", r"\1(\2)"),
    *_COMMON,
    (r"^(\s*)(?:let\s+(?:mut\s+)?|const\s+)(\w+)\s*(?::[^=\n]*)?=", r"\1\2 ="),
    (r"(?<=[(,])(\s*)(\w+)\s*:\s*(?=[\w(\[\-])", r"\1\2="),
    (r"&(?=\w)", ""),
    (r"\?(?=[\s.;,)]|$)", ""),
    (r"(\d)_?(?:i64|usize|u32|i32)\b", r"\1"),
    (r"\b(?:tch\.)?nn\.(conv_transpose[123]d)\b", r"tch.\1"),
    (r"\b(?:tch\.)?(?:nn\.)?ConvTransposeConfig(?:ND)?\b", "tch.Settings"),
    (r"\b(?:nn\.|conv\.)*(ConvTranspose[123]dConfig)\.new\b", r"burn.\1"),
)
_LANGUAGES = ((_SWIFT, _SWIFT_RULES), (_RUST, _RUST_RULES), (_CPP, _CPP_RULES))


def _joined(lines: list[str]) -> list[str]:
    """Lines that start with a method belong to the line before; the number of lines stays."""
    joined = list(lines)
    before: int | None = None
    for place, line in enumerate(lines):
        if re.match(r"\s*\.\w", line) and before is not None:
            joined[before] += line.strip()
            joined[place] = ""
        elif line.strip():
            before = place
    return joined


def python_of_foreign(lines: list[str]) -> list[str] | None:
    """The lines of a program in C++, Swift or Rust as Python; None for other texts."""
    text = "\n".join(_joined(lines))
    rules = next((rules for mark, rules in _LANGUAGES if mark.search(text)), None)
    if rules is None:
        return None
    for pattern, by in rules:
        text = re.sub(pattern, by, text, flags=re.MULTILINE)
    return text.split("\n")
