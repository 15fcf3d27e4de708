"""The generator of a DCGAN: noise to a small image."""

import torch
from torch import nn

NOISE, WIDTH, COLOURS = 8, 4, 3


class Generator(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.ConvTranspose2d(NOISE, WIDTH * 2, 4, 1, 0, bias=False),
            nn.BatchNorm2d(WIDTH * 2),
            nn.ReLU(True),
            nn.ConvTranspose2d(WIDTH * 2, WIDTH, 4, 2, 1, bias=False),
            nn.BatchNorm2d(WIDTH),
            nn.ReLU(True),
            nn.ConvTranspose2d(WIDTH, COLOURS, 4, 2, 1, bias=False),
            nn.Tanh(),
        )

    def forward(self, noise):
        return self.main(noise)


generator = Generator()
with torch.no_grad():
    for _ in range(2):
        fake = generator(torch.randn(2, NOISE, 1, 1))
print("dcgan", tuple(fake.shape))
