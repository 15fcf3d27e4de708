"""The upsampling blocks of a vocoder, with weight normalisation, in bfloat16 by autocast."""

import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

RATES, KERNELS = (4, 2), (8, 4)


class Vocoder(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.ups = nn.ModuleList(
            weight_norm(
                nn.ConvTranspose1d(width >> i, width >> (i + 1), kernel, rate, padding=(kernel - rate) // 2)
            )
            for i, (rate, kernel) in enumerate(zip(RATES, KERNELS, strict=True))
        )

    def forward(self, mel):
        for up in self.ups:
            mel = up(nn.functional.leaky_relu(mel, 0.1))
        return mel


with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
    sound = Vocoder()(torch.randn(1, 8, 6))
print("vocoder", tuple(sound.shape))
