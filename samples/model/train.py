#!/usr/bin/env python3
"""Trains the character classifier and writes the model with everything that belongs to it.

    python3 train.py --out . --epochs 9

Needs Debian's python3-torch (1.13), python3-onnx and python3-pil, and the fonts named in dataset.py (fonts.txt lists
their packages). One thread, about 25 minutes. The same seed and fonts give the same images.
"""
import argparse
import os
import time

import numpy as np
import onnx
import onnx.numpy_helper
import torch
from torch import nn

from dataset import (LABELS, MEAN, SCALE, SIZE, TEST_FAMILIES, TRAIN_FAMILIES, VALIDATION_FAMILIES, draw, families,
                     load_fonts, make_set)

# The demo's images: label, polarity, background, whether noisy.
DEMO = [
    ("A", "dark on light", "plain", False),
    ("A", "light on dark", "texture", True),
    ("R", "dark on light", "gradient", True),
    ("g", "light on dark", "gradient", False),
    ("h", "dark on light", "texture", False),
    ("4", "light on dark", "plain", True),
    ("7", "dark on light", "gradient", False),
    ("Q", "light on dark", "texture", False),
]

class ConvNorm(nn.Sequential):
    """Convolution without bias, batch normalisation, and a ReLU unless `relu` is False."""

    def __init__(self, inputs, outputs, kernel, stride=1, groups=1, relu=True):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        if relu:
            self.relu = nn.ReLU()


class Separable(nn.Sequential):
    """Depthwise 3x3, then pointwise 1x1."""

    def __init__(self, inputs, outputs, stride=1, relu=True):
        super().__init__()
        self.depthwise = ConvNorm(inputs, inputs, 3, stride, groups=inputs)
        self.pointwise = ConvNorm(inputs, outputs, 1, relu=relu)


class Residual(nn.Module):
    """x + separable(x), then a ReLU."""

    def __init__(self, channels):
        super().__init__()
        self.body = Separable(channels, channels, relu=False)
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.relu(x + self.body(x))


class CharacterNet(nn.Module):
    """[N,1,32,32] normalised grey -> [N,classes] logits; `probabilities` adds the softmax the exported file ends in."""

    def __init__(self, classes):
        super().__init__()
        self.stem = ConvNorm(1, 16, 3)                  # 32x32
        self.down1 = ConvNorm(16, 32, 3, stride=2)      # 16x16
        self.block1 = Residual(32)
        self.down2 = Separable(32, 64, stride=2)        # 8x8
        self.block2 = Residual(64)
        self.down3 = Separable(64, 128, stride=2)       # 4x4
        self.block3 = Residual(128)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.classifier = nn.Linear(128, classes)

    def forward(self, x):
        x = self.block1(self.down1(self.stem(x)))
        x = self.block2(self.down2(x))
        x = self.block3(self.down3(x))
        return self.classifier(self.flatten(self.pool(x)))


class WithSoftmax(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net
        self.softmax = nn.Softmax(dim=1)

    def forward(self, image):
        return self.softmax(self.net(image))


def normalise(images, dtype=torch.float32):
    """uint8 [N,32,32] -> [N,1,32,32]. MEAN and SCALE are powers of two, so this is exact in any float type."""
    return ((torch.from_numpy(images).to(dtype) - MEAN) / SCALE).unsqueeze(1)


def predict(net, images, batch=500):
    net.eval()
    with torch.no_grad():
        return torch.cat([net(normalise(images[i:i + batch])) for i in range(0, len(images), batch)]).numpy()


def accuracy(net, images, labels):
    return float((predict(net, images).argmax(1) == labels).mean())


def train(net, images, labels, validation, epochs, batch, rate, log):
    """AdamW with a one-cycle learning rate; a random half of each batch is inverted."""
    net.to(memory_format=torch.channels_last)           # a third faster on a CPU
    targets = torch.from_numpy(labels.astype(np.int64))
    steps = len(images) // batch
    optimiser = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=epochs * steps, pct_start=0.15)
    for epoch in range(epochs):
        net.train()
        start, total = time.time(), 0.0
        order = torch.randperm(len(images))
        for step in range(steps):
            chosen = order[step * batch:(step + 1) * batch]
            inputs = normalise(images[chosen.numpy()]) * (torch.randint(0, 2, (batch, 1, 1, 1)) * 2.0 - 1)
            loss = nn.functional.cross_entropy(net(inputs), targets[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        log(f"epoch {epoch + 1:2d}/{epochs}  loss {total / steps:.4f}  validation {accuracy(net, *validation):.4f}"
            f"  {time.time() - start:.0f} s")
    net.to(memory_format=torch.contiguous_format)


def export(net, path):
    """Writes the ONNX file with the batch normalisations kept as nodes of their own and the batch size left open."""
    torch.onnx.export(WithSoftmax(net).eval(), torch.zeros(2, 1, SIZE, SIZE), path, opset_version=13,
                      input_names=["image"], output_names=["probabilities"], training=torch.onnx.TrainingMode.PRESERVE,
                      do_constant_folding=False, dynamic_axes={"image": {0: "N"}, "probabilities": {0: "N"}})
    model = onnx.load(path)
    model.graph.name = "characters"
    for node in model.graph.node:
        node.name = tidy(node.name)
        for names in (node.input, node.output):
            for i, name in enumerate(names):
                names[i] = tidy(name)
    for tensor in model.graph.initializer:
        tensor.name = tidy(tensor.name)
    del model.graph.value_info[:]
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)
    return model


def tidy(name):
    """Names by module: "/net/block1/body/depthwise/conv/Conv_output_0" -> "block1/depthwise/conv"."""
    parts = [part for part in name.removesuffix("_output_0").split("/") if part not in ("", "net", "body")]
    if len(parts) > 1 and parts[-1] != "Add":
        parts.pop()                                     # the operator; the module's name says it already
    return "/".join(parts).removeprefix("net.").replace("body.", "")


def write_tensor(path, name, array):
    with open(path, "wb") as file:
        file.write(onnx.numpy_helper.from_array(array, name).SerializeToString())


def write_case(net, images, folder):
    """An ONNX test case: already normalised input, and the output computed in double precision."""
    os.makedirs(folder, exist_ok=True)
    exact = WithSoftmax(CharacterNet(len(LABELS)).double())
    exact.net.load_state_dict(net.state_dict())
    exact.eval()
    with torch.no_grad():
        output = exact(normalise(images, torch.float64)).numpy().astype(np.float32)
    write_tensor(os.path.join(folder, "input_0.pb"), "image", normalise(images).numpy())
    write_tensor(os.path.join(folder, "output_0.pb"), "probabilities", output)


def write_demo(fonts, seed, folder):
    """One image, large enough to show, of each look in DEMO as a binary PGM file named after its label."""
    os.makedirs(folder, exist_ok=True)
    rng = np.random.default_rng(seed)
    images, labels = [], []
    for label, *wanted in DEMO:
        while True:
            image, look = draw(fonts[rng.integers(len(fonts))], LABELS.index(label), rng)
            if [look.polarity, look.background, look.noise > 0] == wanted and look.height > 18 and look.contrast > 100:
                break
        images.append(image)
        labels.append(LABELS.index(label))
        number = labels.count(labels[-1])
        with open(os.path.join(folder, f"{label}-{number}.pgm"), "wb") as file:
            file.write(b"P5\n%d %d\n255\n" % (SIZE, SIZE) + image.tobytes())
    return np.stack(images), np.array(labels)


def report(scores, labels, looks, log):
    """Accuracy overall and by condition, and the pairs most often confused."""
    right = scores.argmax(1) == labels

    def by(title, key):
        groups = sorted({key(look) for look in looks})
        log(f"{title}: " + ", ".join(
            f"{group} {100 * right[[key(look) == group for look in looks]].mean():.2f}"
            f" ({sum(key(look) == group for look in looks)})" for group in groups))

    def between(value, *bounds):
        index = sum(value >= bound for bound in bounds)
        edges = ("", *bounds, "")
        return f"{edges[index]}..{edges[index + 1]}"

    log(f"overall: {100 * right.mean():.2f} % of {len(labels)}")
    by("capital height", lambda look: between(look.height, 18, 22))
    by("rotation", lambda look: between(look.rotation, 5, 10))
    by("polarity", lambda look: look.polarity)
    by("background", lambda look: look.background)
    by("contrast", lambda look: between(look.contrast, 120, 160))
    by("noise", lambda look: "none" if look.noise == 0 else between(look.noise, 0.08))
    by("blur", lambda look: "none" if look.blur == 0 else between(look.blur, 0.5))
    by("slant", lambda look: "italic" if any(word in look.style for word in ("Italic", "Oblique")) else "upright")
    by("family", lambda look: look.family)
    wrong = {}
    for label, guess in zip(labels[~right], scores.argmax(1)[~right]):
        pair = LABELS[label] + " read as " + LABELS[guess]
        wrong[pair] = wrong.get(pair, 0) + 1
    log("most confused: " + ", ".join(f"{pair} ({n})" for pair, n in sorted(wrong.items(), key=lambda x: -x[1])[:12]))


def main():
    here = os.path.dirname(__file__) or "."
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default=here, help="folder to write to (default: this one)")
    parser.add_argument("--fonts", help="folder with the fonts (default: all that fontconfig lists)")
    parser.add_argument("--epochs", type=int, default=9)
    parser.add_argument("--images", type=int, default=150_000, help="training images")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rate", type=float, default=0.004, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cache", help="file (.npz) to keep the training and validation images in")
    parser.add_argument("--weights", help="file to save the trained weights in; with --epochs 0, to load them from")
    parser.add_argument("--test", type=int, default=2016, help="images in the committed test set")
    parser.add_argument("--big-test", type=int, default=24_000, help="images in the larger test set, only measured")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    os.makedirs(args.out, exist_ok=True)
    log = lambda text: print(text, flush=True)

    net = CharacterNet(len(LABELS))
    if args.epochs == 0:
        net.load_state_dict(torch.load(args.weights))
    else:
        if args.cache and os.path.exists(args.cache):
            data = dict(np.load(args.cache))
        else:
            data = {}
            for part, names, count, seed in (("train", TRAIN_FAMILIES, args.images, args.seed),
                                             ("validation", VALIDATION_FAMILIES, 9600, args.seed + 1000)):
                fonts = load_fonts(families(names), args.fonts)
                log(f"{part}: {len({font.family for font in fonts})} families, {len(fonts)} fonts, {count} images")
                data[part + "_images"], data[part + "_labels"], _ = make_set(fonts, count, seed)
            if args.cache:
                np.savez(args.cache, **data)
        train(net, data["train_images"], data["train_labels"], (data["validation_images"], data["validation_labels"]),
              args.epochs, args.batch, args.rate, log)
        if args.weights:
            torch.save(net.state_dict(), args.weights)

    fonts = load_fonts(families(TEST_FAMILIES), args.fonts)
    log(f"test: {len({font.family for font in fonts})} families, {len(fonts)} fonts")
    images, labels, looks = make_set(fonts, args.test, args.seed + 2000)
    log("-- the committed test set")
    report(predict(net, images), labels, looks, log)
    big_images, big_labels, big_looks = make_set(fonts, args.big_test, args.seed + 3000)
    log("-- the larger test set")
    report(predict(net, big_images), big_labels, big_looks, log)

    path = os.path.join(args.out, "characters.onnx")
    model = export(net, path)
    log(f"{path}: {os.path.getsize(path)} bytes, {len(model.graph.node)} nodes, "
        f"{sum(parameter.numel() for parameter in net.parameters())} parameters")
    with open(os.path.join(args.out, "labels.txt"), "w") as file:
        file.write("".join(label + "\n" for label in LABELS))
    os.makedirs(os.path.join(args.out, "testset"), exist_ok=True)
    images.tofile(os.path.join(args.out, "testset", "images.bin"))
    labels.tofile(os.path.join(args.out, "testset", "labels.bin"))
    demo = write_demo(fonts, args.seed + 4000, os.path.join(args.out, "demo"))
    log(f"demo images: {100 * accuracy(net, *demo):.0f} %")
    write_case(net, images[:5], os.path.join(args.out, "test_data_set_0"))
    os.makedirs(os.path.join(args.out, "calibration"), exist_ok=True)
    fonts = load_fonts(families(VALIDATION_FAMILIES), args.fonts)
    calibration, _, _ = make_set(fonts, 4 * len(LABELS), args.seed + 5000)
    np.save(os.path.join(args.out, "calibration", "images.npy"), calibration[:, None])


if __name__ == "__main__":
    main()
