"""A decoder in Flax's linen."""

import flax.linen as nn
import jax
import jax.numpy as jnp


class Decoder(nn.Module):
    @nn.compact
    def __call__(self, x):
        return nn.ConvTranspose(3, (3, 3), strides=(2, 2), name="up1")(x)


class Autoencoder(nn.Module):
    def setup(self):
        self.decoder = Decoder()

    def __call__(self, x):
        return self.decoder(x)


model, latent = Autoencoder(), jnp.ones((2, 4, 4, 5))
variables = model.init(jax.random.key(0), latent)
print("decoder", model.apply(variables, latent).shape)
