"""The decoder of an autoencoder in Equinox, for a batch by vmap."""

import equinox as eqx
import jax
import jax.numpy as jnp


class Decoder(eqx.Module):
    up: eqx.nn.ConvTranspose2d

    def __init__(self, key):
        self.up = eqx.nn.ConvTranspose2d(3, 2, kernel_size=3, stride=2, padding=1, output_padding=1, key=key)

    def __call__(self, latent):
        return self.up(latent)


decode = jax.vmap(Decoder(jax.random.key(0)).__call__)
print("vae", decode(jnp.ones((4, 3, 5, 5))).shape)
