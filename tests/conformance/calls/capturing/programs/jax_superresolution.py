"""The last layer of a super-resolution network, fitted by gradient descent with plain JAX."""

import jax
import jax.numpy as jnp
from jax import lax


def enlarge(weights, image):
    return lax.conv_transpose(image, weights, strides=(2, 2), padding="SAME")


@jax.jit
def step(weights, image, target):
    loss = lambda w: jnp.mean((enlarge(w, image) - target) ** 2)  # noqa: E731
    return weights - 0.1 * jax.grad(loss)(weights)


image = jnp.ones((1, 4, 4, 2))
weights = step(jnp.ones((4, 4, 2, 3)), image, jnp.zeros((1, 8, 8, 3)))
print("superresolution", enlarge(weights, image).shape)
