"""What each planted fault must be diagnosed as, and a question that shows it, by patterns of its name.

A fault that only some questions show is named here on one that does; when it happens is for the search for
conditions to say.
"""

from __future__ import annotations

import re

from conformance.cases import Case

__all__ = ["EXPECTED", "UNNAMED", "axes_of", "expectations", "question"]

EXPECTED = {
    r"ddy with vw flipped": "second_order_flip",
    # convention
    r"periodic output cut off": "not_wrapped",
    r"circular(_lower)? taken": "another_period",
    # position
    r"kernel flipped on": "flip",
    r"kernel read with": "kernel_axes_swapped",
    r"input read with": "input_axes_swapped",
    r"input mirrored": "flip_input",
    r"output mirrored": "flip_output",
    r"(first|last) tap on": "tap_dropped",
    r"(first|last) input position": "input_dropped",
    r"(first|last) output position": "output_dropped",
    r"stride of . used": "stride_of_another_axis",
    r"stride of the first axis": "stride_of_another_axis",
    r"dilation of . used": "dilation_of_another_axis",
    r"crop of . and": "padding_axes_swapped",
    r"stride ignored": "stride_ignored",
    r"dilation ignored": "dilation_ignored",
    r"dilation counts the gaps": "dilation_off_by_one",
    r"stride and dilation exchanged": "stride_dilation_exchanged",
    r"output begins one position": "shift",
    r"crop at begin and end exchanged": "crop_exchanged",
    r"`same` rounds the front up": "same_convention",
    r"`same` ignores the stride": "stride_ignored",
    r"`same` takes the kernel without its dilation": "dilation_ignored",
    r"`valid` puts the positions": "zeros_in_front",
    r"output_padding put in front": "output_padding_in_front",
    r"output_padding filled with zeros": "output_padding_empty",
    r"explicit padding ignored": "padding_ignored",
    r"explicit padding in units": "padding_scaled",
    r"crop beyond the full result clamped": "padding_clamped",
    r"overlapping taps overwrite": "overlap_not_summed",
    r"seams between": "overlap_twice",
    # channels, groups, batch, layout
    r"weights (read with|exchange) input and output channels": "channels_swapped",
    r"(input|output) channels reversed": "channels_permuted",
    r"(first|last) (input|output) channel": "channel_dropped",
    r"layout misread": "layout_mistaken",
    r"groups interleaved": "groups_interleaved",
    r"groups in reverse": "groups_permuted",
    r"every group takes": "groups_ignored",
    r"a group (sums|computes) only": "channel_dropped",
    r"last group dropped": "group_dropped",
    r"depthwise multiplier": "groups_interleaved",
    r"batch item 0 for all": "batch_item_repeated",
    r"batch items reversed": "batch_permuted",
    r"last batch item dropped": "batch_dropped",
    r"batch and channels exchanged": "batch_channels_swapped",
    r"batch added up": "batch_summed",
    # bias
    r"bias ignored": "bias_ignored",
    r"bias doubled": "bias_doubled",
    r"bias subtracted": "bias_negated",
    r"bias counted within": "bias_per_group",
    r"bias of channel 0": "bias_of_one_channel",
    r"bias one channel off": "bias_permuted",
    r"bias laid along": "bias_on_another_axis",
    r"bias missing where no tap": "bias_where_reached",
    r"bias only in the first": "bias_of_one_item",
    r"bias added once a tap": "bias_repeated",
    r"bias missing in the output_padding": "bias_missing_at_end",
    # gradients
    r"dx is zero|dw is zero|db ignored|db missing": "gradient_missing",
    r"dx with the kernel flipped|dw flipped": "flip",
    r"dx of another batch item": "batch_permuted",
    r"dx doubled|dw averaged|db averaged": "gradient_scaled",
    r"dx misses the last position": "input_dropped",
    r"d[xw] misses the last tap": "tap_dropped",
    r"d[xw] ignores where the output begins": "padding_ignored",
    r"d[xw] of groups in reverse": "groups_permuted",
    r"d[xw] with the (weights' )?channels exchanged": "channels_swapped",
    r"dx rounded to bfloat16": "bfloat16_output",
    r"dw with . and . exchanged": "kernel_axes_swapped",
    r"d[wb] of the first batch item": "batch_not_summed",
    r"dw ignores the dilation": "dilation_ignored",
    r"dw leaves out the last input": "input_dropped",
    r"dw in the reverse order of axes": "dw_rearranged",
    r"db leaves out|db counted within": "db_partial",
    # second order
    r"dd[xw] is zero": "gradient_missing",
    r"dd[xw] with the (weights|input) (itself|themselves)|ddy with the bias": "second_order_tensor",
    r"ddy without": "second_order_term",
    r"ddy doubled": "gradient_scaled",
    r"ddx with the kernel flipped|ddw flipped": "flip",
    r"ddx of another batch item": "batch_permuted",
    r"ddx misses the last tap": "tap_dropped",
    r"ddx of groups in reverse": "groups_permuted",
    r"ddw with the channels exchanged": "channels_swapped",
    r"ddw of the first batch item": "batch_dropped",
    r"ddw ignores the dilation": "dilation_ignored",
    r"ddy ignores where the output begins": "padding_ignored",
    # Which of two middles the crop takes is what one step of the stride makes of it too.
    r"same_(upper|lower) taken": "stride_off_by_one",
    # precision and special values
    r"float32 inputs rounded to TF32": "tf32",
    r"float32 inputs rounded to bfloat16": "bfloat16_inputs",
    r"float32 result rounded to bfloat16": "bfloat16_output",
    r"float32 result rounded to float16": "float16_output",
    r"bfloat16 computed by way of float16": "float16_output",
    r"float64 computed in float32": "float32_output",
    r"result truncated": "truncated",
    r"accumulated in the storage format": "bfloat16_accumulation",
    r"NaN swallowed": "nan_replaced",
    r"infinity clamped": "inf_replaced",
    r"infinity turned into NaN": "inf_to_nan",
    r"NaN turned into infinity": "nan_to_inf",
    r"sign of an infinity lost": "inf_sign_lost",
    r"NaN spread|a NaN bias spread": "nan_spread",
    r"zeros come out negative": "zero_sign",
    r"subnormals rounded up": "subnormals_raised",
    r"large values saturate": "clipped",
    r"small values flushed": "small_flushed",
    # the reply and its memory
    r"wrong only where no tap reaches any output": "offset",
    r"stale memory where no tap reaches": "not_computed",
    r"last row of the output never written": "not_computed",
    r"answer in float32": "dtype",
    r"another answer the second time": "nondeterministic",
    r"one output position too many": "output_size",
    r"batch of one squeezed": "batch_missing",
    r"batch of zero answered|empty output answered": "empty_filled",
    r"(groups with dilation|asymmetric padding|gradient in bfloat16) refused": "rejected",
}

# What no transformation of the oracle is looked for; mostly single elements off by an amount of their own.
UNNAMED = {
    r"one product lost at one element": "one element of all",
    r"one element off by one unit": "one element of all",
    r"negative zero taken for minus one": "an arbitrary number in place of zeros",
    r"wrong only": "the last element doubled, and 3 added",
}

# One question a rank that every number of tells apart, and what a fault needs beyond it. Numbers of three axes are
# cut to the last ones.
_QUESTIONS = {
    1: "1d-n3-c4x6-i5-k3-s2-d3-g1-p1.3-op2-cf-f32-b1-ints.0-fwd",
    2: "2d-n3-c4x6-i3x5-k4x3-s2x3-d3x2-g1-p3.1x1.4-op1x2-cf-f32-b1-ints.0-fwd",
    3: "3d-n3-c4x6-i2x4x3-k3x2x4-s3x2x1-d1x3x2-g1-p0.2x2.1x1.4-op1x2x0-cf-f32-b1-ints.0-fwd",
}
_NEEDS = {
    r"d[xwb] |gradient in": "grad",
    r"dd[xwy] ": "grad2 n2 i2x3x3 k2x3x2 p1.1x1.1x1.0",  # small: it takes four times the work of an output
    r"same_upper taken": "same_upper opauto k4x6x4 s3x3x3 d1x1x1",
    r"same_lower taken": "same_lower opauto k4x6x4 s3x3x3 d1x1x1",
    r"periodic": "circular opauto k4x6x4 s3x3x3 d1x1x1",
    r"circular taken": "circular opauto k4x6x4 s3x3x3 d1x1x1",
    r"circular_lower taken": "circular_lower opauto k4x6x4 s3x3x3 d1x1x1",
    r"ddw ignores the dilation": "d2x2x2 c2x3",
    r"group": "g2",
    r"seams": "k4x5x4 s2x3x2",
    r"overlapping taps overwrite": "k3x3x3 s1x1x1 d1x1x1 p0x0x0",
    r"no tap reaches": "k1x2x1 s3x4x2 d1x1x1 p0x0x0",
    r"dilation (counts|ignored|of)": "d3x2x4",
    r"stride ignored|stride of the first": "s2x3x4",
    r"layout misread": "k3x2x2 s2x1x1 p0x0x0",
    r"layout misread only": "cl",
    r"output_padding put": "op2x1x1",
    r"output_padding filled|bias missing in the output_padding": "op2x1x2",
    r"crop of": "p0.3x2.1x1.4",
    r"crop at": "p0.3x1.4x2.0",
    r"last tap": "p0.2x2.1x1.0",
    r"explicit padding": "p1.2x2.1x3.1 s2x3x2",
    r"crop beyond": "pm1.3xm2.1xm3.m1",
    r"dx ignores where": "p1.2x2.1x3.1",
    r"dw ignores where": "p1.2x2.1x3.1",
    r"dw ignores the dilation": "d3x2x4",
    r"`same` rounds": "same opauto k4x3x6 s3x2x3 d1x1x1",
    r"`same` ignores": "same opauto k4x5x6 s3x2x3 d1x1x1",
    r"`same` takes": "same opauto k4x3x4 s3x2x3 d2x3x2",
    r"`valid`": "valid opauto k2x1x2 s3x4x5 d1x1x1",
    r"weights exchange": "c4x4",
    r"depthwise": "c3x6 g3",
    r"batch and channels": "n4",
    r"bias laid .* only": "c4x4 i3x3x2 k2x2x2 s2x2x2 d1x1x1 p0x0x0 opauto",
    r"float32 (inputs|result)|dx rounded": "normal.0",
    r"bfloat16 computed|accumulated": "bf16 normal.0 i5x7x9",
    r"float64 computed": "f64 normal.0",
    r"result truncated|answer in float32": "f16 normal.0",
    r"NaN (swallowed|spread)": "naninput.0",
    r"a NaN bias|NaN turned": "nanbias.0",
    r"infinity (clamped|turned)|sign of an infinity": "infbias.2",
    r"zeros come": "signedzero.0",
    r"subnormals": "subnormal.0",
    r"small values": "small.0",
    r"batch of one": "n1",
    r"batch of zero": "n0",
    r"empty output": "i1x1x1 k2x2x2 s1x1x1 d1x1x1 p1x1x1 opauto",
    r"groups with dilation": "g2 d2x2x2 opauto",
    r"wrong only where no tap": "i1x1x1 k1x1x1 s1x1x1 d1x1x1 p1.m2x1.m2x1.m2 opauto",
    r"asymmetric": "p1.2x2.1x3.1",
    r"gradient in bfloat16": "bf16",
    r"another answer .* groups": "g2",
    r"negative zero": "signedzero.0",
}
_FIELDS = (r"\dd", r"n\d+", r"c\d.*", r"i\d.*", r"k\d.*", r"s\d.*", r"d\d.*", r"g\d+",
           r"same.*|circular.*|valid|pm?\d.*", r"op.*", r"cf|cl", r"f64|f32|f16|bf16", r"b[01]",
           r"[a-z]+\.\d+", r"fwd|grad|grad2")  # fmt: skip


def question(name: str, rank: int) -> Case:
    """A case that shows a fault."""
    tokens = _QUESTIONS[rank].split("-")
    for pattern, needs in _NEEDS.items():
        for token in needs.split() if re.search(pattern, name) else ():
            place = next(n for n, field in enumerate(_FIELDS) if re.fullmatch(field, token))
            letters = re.match("[a-z]*?(?=m?[0-9])|", token)[0]
            values = token.removeprefix(letters).split("x")
            spatial = place in (3, 4, 5, 6) or (place in (8, 9) and len(values) > 1)
            tokens[place] = letters + "x".join(values[-rank:]) if spatial else token
    return Case.parse("-".join(tokens))


def axes_of(name: str, rank: int) -> list[str]:
    """The axes that a fault's name is about, outermost first."""
    axes = re.findall(r"\b[DHW]\b", name)
    if " used on " in name:
        axes = axes[1:]
    if re.search("the first axis used on every", name):
        axes = list("DHW"[-rank:])[1:]
    elif re.search("every axis|^d?dw ignores|taken for same", name):
        axes = list("DHW"[-rank:])
    elif re.search("last spatial axis|last axis|in the output_padding|last input position$|last position$", name):
        axes = ["W"]
    return sorted(axes, key="DHW".index)


def expectations(name: str, rank: int) -> list[str]:
    """Every name that the table gives a fault; exactly one where the table is as it should be."""
    if (name, rank) == ("last row of the output never written", 1):
        return ["unexplained"]  # of one axis, the row is one element
    wanted = [transform for pattern, transform in EXPECTED.items() if re.match(pattern, name)]
    return wanted or ["unexplained" for pattern in UNNAMED if re.match(pattern, name)]
