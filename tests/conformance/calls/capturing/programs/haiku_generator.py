"""A generator of a GAN in Haiku."""

import haiku as hk
import jax
import jax.numpy as jnp


def generate(noise):
    return hk.Conv2DTranspose(3, kernel_shape=4, stride=2, name="up")(noise)


generator = hk.without_apply_rng(hk.transform(generate))
noise = jnp.ones((1, 2, 2, 4))
print("generator", generator.apply(generator.init(jax.random.key(0), noise), noise).shape)
