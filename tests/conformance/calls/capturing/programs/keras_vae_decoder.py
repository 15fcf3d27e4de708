"""The decoder of a variational autoencoder as a functional model."""

import keras
import numpy as np

latent = keras.Input((2,))
x = keras.layers.Dense(3 * 3 * 4)(latent)
x = keras.layers.Reshape((3, 3, 4))(x)
x = keras.layers.Conv2DTranspose(3, 3, strides=2, padding="valid", output_padding=1, name="first")(x)
x = keras.layers.Conv2DTranspose(1, 3, padding="same", use_bias=False, name="second")(x)
decoder = keras.Model(latent, x)
print("vae", decoder(np.zeros((1, 2), "float32")).shape)
