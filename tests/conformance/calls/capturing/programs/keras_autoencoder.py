"""A convolutional autoencoder, built as a Sequential model and trained for one step."""

import keras
import numpy as np

model = keras.Sequential(
    [
        keras.Input((8, 8, 1)),
        keras.layers.Conv2D(4, 3, strides=2, padding="same", activation="relu"),
        keras.layers.Conv2DTranspose(4, 3, strides=2, padding="same", activation="relu", name="decode"),
        keras.layers.Conv2D(1, 3, padding="same"),
    ]
)
images = np.ones((2, 8, 8, 1), "float32")
model.compile("sgd", "mse")
model.train_on_batch(images, images)
print("autoencoder", model(images).shape)
