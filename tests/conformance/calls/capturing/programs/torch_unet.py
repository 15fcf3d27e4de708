"""One training step of a U-Net with one level."""

import torch
from torch import nn


class UNet(nn.Module):
    def __init__(self, classes=2, width=4):
        super().__init__()
        self.down = nn.Conv2d(1, width, 3, padding=1)
        self.bottom = nn.Conv2d(width, width * 2, 3, padding=1)
        self.up = nn.ConvTranspose2d(width * 2, width, kernel_size=2, stride=2)
        self.last = nn.Conv2d(width * 2, classes, 1)

    def forward(self, image):
        skip = self.down(image).relu()
        deep = self.bottom(nn.functional.max_pool2d(skip, 2)).relu()
        wide = self.up(deep)
        return self.last(torch.cat([skip, wide], dim=1))


model = UNet()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
loss = nn.functional.cross_entropy(model(torch.randn(2, 1, 8, 8)), torch.zeros(2, 8, 8, dtype=torch.long))
loss.backward()
optimizer.step()
print("unet", loss.dim())
