"""The last layers of a generator in PaddlePaddle, and its gradient."""

import paddle
from paddle import nn


class Generator(nn.Layer):
    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2DTranspose(4, 3, 4, stride=2, padding=1, bias_attr=False),
            nn.Tanh(),
        )

    def forward(self, noise):
        return self.main(noise)


image = Generator()(paddle.ones([2, 4, 5, 6]))
image.sum().backward()
signal = nn.functional.conv1d_transpose(paddle.ones([1, 2, 7]), paddle.ones([2, 3, 3]), stride=2, groups=2)
print("generator", image.shape, signal.shape)
