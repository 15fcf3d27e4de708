"""An upsampling model in tinygrad."""

from tinygrad import Tensor, nn


class Upsampler:
    def __init__(self):
        self.up = nn.ConvTranspose2d(3, 4, 3, stride=2, padding=1, output_padding=1)

    def __call__(self, x):
        return self.up(x).relu()


print("upsampler", Upsampler()(Tensor.ones(2, 3, 5, 6)).shape)
