"""The test oracle: the expected output, how far from it an output may be, and the verdict."""

from conformance.oracle.convolution import (
    Gradients,
    by_forward_matrix,
    by_zero_insertion,
    conv_transpose,
    conv_transpose_gradients,
    gradients_by_correlation,
    gradients_by_forward_matrix,
)

__all__ = [
    "Gradients",
    "by_forward_matrix",
    "by_zero_insertion",
    "conv_transpose",
    "conv_transpose_gradients",
    "gradients_by_correlation",
    "gradients_by_forward_matrix",
]
