"""An upsampling layer in MLX."""

import mlx.core as mx
from mlx import nn


class Upsampler(nn.Module):
    def __init__(self):
        super().__init__()
        self.up = nn.ConvTranspose2d(3, 4, 3, stride=2, padding=1)

    def __call__(self, x):
        return self.up(x)


print("upsampler", Upsampler()(mx.ones((2, 5, 6, 3))).shape)
