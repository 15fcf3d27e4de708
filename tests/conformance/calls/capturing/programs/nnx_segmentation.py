"""The head of a segmentation network in Flax's nnx."""

import jax.numpy as jnp
from flax import nnx


class Head(nnx.Module):
    def __init__(self, rngs):
        self.blocks = nnx.List([nnx.ConvTranspose(4, 2, (2, 2), strides=2, padding="VALID", rngs=rngs)])

    def __call__(self, x):
        for block in self.blocks:
            x = block(x)
        return x


print("segmentation", Head(nnx.Rngs(0))(jnp.ones((1, 3, 3, 4))).shape)
