"""Draws the training, validation and test images: one printed character on a 32x32 grey image.

Everything is derived from a seed: with the same fonts installed the same images come out. Fonts are taken by
family name; a family belongs to exactly one of the three sets, and near copies of one design (say, Lato and
Carlito) are kept in the same set, so the test set really shows letter shapes the network has not seen.
"""
import os
import re
import subprocess
from collections import namedtuple

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

SIZE = 32                       # images are SIZE x SIZE
MEAN, SCALE = 128.0, 64.0       # the network is fed (grey - MEAN) / SCALE

# Digits, then capitals, lower case and symbols that cannot be taken for one already listed. Left out on purpose:
# O (0), I and l (1), i and j (too close to 1 and J when blurred), q (9), and lower case that differs from its capital
# only in size (c k o p s u v w x z) or nearly so (y, m).
LABELS = list("0123456789" "ABCDEFGHJKLMNPQRSTUVWXYZ" "abdefghnrt" "&#%?")

TRAIN_FAMILIES = """
Accanthis ADF Std; Agave; Andika; Anonymous Pro; Arapey; Averia Sans GWF; Averia Serif GWF; Baskervald ADF Std;
Berenis ADF Pro; BetecknaGS; C059; Caladea; Cardo; Century Catalogue; Clear Sans; Comfortaa; Comic Neue; Courier Prime;
Courier Prime Code; Courier Prime Sans; DejaVu Sans; DejaVu Sans Mono; DejaVu Serif; Dosis; Doulos SIL; Dustismo;
Dustismo Roman; Fantasque Sans Mono; Fanwood; FreeMono; FreeSans; FreeSerif; GFS Artemisia; GFS Didot; GFS Neohellenic;
Gillius ADF; Go; Go Mono; Goudy Bookletter 1911; Hack; Ikarius ADF Std; Inter; Irianis ADF Std; Junction;
Junicode Two Beta; Jura; League Mono; League Spartan; Liberation Mono; Liberation Sans; Liberation Serif; Libris ADF Std;
Linden Hill; Linux Biolinum O; Linux Libertine O; M PLUS 1; M PLUS 1 Code; M PLUS 2; Monoid; Nimbus Mono PS;
Nimbus Roman; Nimbus Sans; Nimbus Sans Narrow; Noto Sans; Noto Serif; OCR B; Open Sans; OpenDyslexic; Oxygen Mono;
Oxygen-Sans; P052; Prociono; Quicksand; Roboto; Roboto Condensed; Roboto Slab; Romande ADF Std; Routed Gothic; STIX; Sawarabi Gothic; Sora;
Switzera ADF; Tiresias Infofont; Tiresias PCfont; Tiresias Signfont; Tribun ADF Std; URW Bookman; URW Gothic;
Universalis ADF Std; Verana; Yanone Kaffeesatz; monofur
"""
VALIDATION_FAMILIES = "Cantarell; Carlito; Charis SIL; EB Garamond; Inconsolata; Lato; Tuffy; mononoki"
TEST_FAMILIES = """
B612; B612 Mono; Cabin; Fira Code; Gentium Plus; JetBrains Mono; Karla; Manrope; Old Standard TT; PT Mono; PT Sans;
PT Sans Caption; PT Serif; PT Serif Caption; Play; Quattrocento; Vollkorn; Yrsa
"""

# Styles nobody prints running text in, and cuts that lack lower case or are not plain letters.
UNWANTED_STYLE = re.compile(
    r"thin|hairline|extra ?light|ultra ?light|outline|stencil|math|caps|display|black|heavy|inverted", re.I)

# One font: what it is, and one mask (grey image) a class, drawn so that a capital H is 64 pixels high.
Font = namedtuple("Font", "family style masks")

# How one image was made; the test report groups by these.
Look = namedtuple("Look", "family style height rotation polarity background contrast noise blur")


def families(text):
    return [name.strip() for name in text.split(";")]


def font_files(folder):
    """Font files under `folder`, or all those fontconfig knows when it is None."""
    if folder is None:
        listing = subprocess.run(["fc-list", ":", "file"], check=True, capture_output=True, text=True).stdout
        paths = [line.rstrip().rstrip(":") for line in listing.splitlines()]
    else:
        paths = [os.path.join(parent, name) for parent, _, names in os.walk(folder) for name in names]
    return sorted(path for path in paths if path.lower().endswith((".ttf", ".otf")))


def draw_masks(path):
    """The characters of one font, or None when it lacks one of them."""
    trial = ImageFont.truetype(path, 200)
    left, top, right, bottom = trial.getbbox("H")
    if bottom <= top:
        return None
    font = ImageFont.truetype(path, max(8, round(200 * 64 / (bottom - top))))
    missing = font.getmask("\U000f1234").getbbox(), bytes(font.getmask("\U000f1234"))
    masks = []
    for label in LABELS:
        left, top, right, bottom = font.getbbox(label)
        if right - left < 4 or bottom - top < 4:
            return None
        image = Image.new("L", (right - left + 8, bottom - top + 8), 0)
        ImageDraw.Draw(image).text((4 - left, 4 - top), label, font=font, fill=255)
        if (font.getmask(label).getbbox(), bytes(font.getmask(label))) == missing:
            return None
        masks.append(image)
    return masks


def load_fonts(wanted, folder=None):
    """The usable fonts of the families in `wanted`, ordered by family and style."""
    found = {}
    for path in font_files(folder):
        try:
            family, style = ImageFont.truetype(path, 16).getname()
        except OSError:
            continue
        if family in wanted and (family, style) not in found and not UNWANTED_STYLE.search(style or ""):
            found[family, style] = path
    fonts = []
    for (family, style), path in sorted(found.items()):
        masks = draw_masks(path)
        if masks is not None:
            fonts.append(Font(family, style, masks))
    return fonts


def place(mask, rng, height, rotation):
    """The mask scaled, sheared, rotated and shifted into a SIZE x SIZE coverage map (0..1), plus optional blur."""
    over = 3                                                    # drawn three times larger, then averaged
    shear = rng.uniform(-0.15, 0.15)
    stretch = rng.uniform(0.88, 1.12)
    angle = np.deg2rad(rotation)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    forward = turn @ np.array([[1, shear], [0, 1]]) @ np.diag([stretch, 1]) * (height / 64)
    width, depth = mask.width - 8, mask.height - 8              # without the 4 pixels of border
    extent = np.abs(forward) @ np.array([width, depth])         # the bounding box once transformed
    shrink = min(1.0, (SIZE - 3) / extent.max())
    forward, extent = forward * shrink, extent * shrink
    slack = np.minimum((SIZE - extent) / 2, 3.5)
    centre = SIZE / 2 + rng.uniform(-1, 1, 2) * slack
    inverse = np.linalg.inv(forward * over)
    offset = np.array([mask.width, mask.height]) / 2 - inverse @ (centre * over)
    big = mask.transform((SIZE * over, SIZE * over), Image.AFFINE,
                         (*inverse[0], offset[0], *inverse[1], offset[1]), Image.BILINEAR)
    blur = rng.uniform(0.2, 0.9) if rng.random() < 0.5 else 0.0
    if blur:
        big = big.filter(ImageFilter.GaussianBlur(blur * over))
    return np.asarray(big.reduce(over), np.float32) / 255, blur, height * shrink


def paint_background(kind, rng):
    """A variation around zero: nothing, a linear gradient, or a smooth random texture with or without lines."""
    if kind == "plain":
        return np.zeros((SIZE, SIZE), np.float32)
    across = np.linspace(-1, 1, SIZE, dtype=np.float32)
    if kind == "gradient":
        angle = rng.uniform(0, 2 * np.pi)
        return rng.uniform(10, 40) * (np.cos(angle) * across[None, :] + np.sin(angle) * across[:, None]) / 1.42
    cells = int(rng.integers(3, 13))
    coarse = Image.fromarray(rng.normal(0, 1, (cells, cells)).astype(np.float32))
    texture = np.asarray(coarse.resize((SIZE, SIZE), Image.BICUBIC))
    if rng.random() < 0.3:                                      # ruled or woven paper
        period, phase = rng.uniform(4, 12), rng.uniform(0, 2 * np.pi)
        lines = np.cos(np.arange(SIZE) * 2 * np.pi / period + phase).astype(np.float32)
        texture = texture * 0.5 + (lines[None, :] if rng.random() < 0.5 else lines[:, None])
    return np.clip(texture, -2, 2) * rng.uniform(4, 14)


def draw(font, label, rng):
    """One image (uint8) of class `label`, and how it was made."""
    rotation = rng.uniform(-15, 15)
    cover, blur, height = place(font.masks[label], rng, rng.uniform(14, 26), rotation)
    kind = ("plain", "gradient", "texture")[rng.integers(3)]
    background = paint_background(kind, rng)
    contrast = rng.uniform(80, 200)
    darker = rng.uniform(0, 255 - contrast)
    ink_is_dark = rng.random() < 0.5
    ink, paper = (darker, darker + contrast) if ink_is_dark else (darker + contrast, darker)
    image = (paper + background) * (1 - cover) + ink * cover
    noise = rng.uniform(0.02, 0.14) * contrast if rng.random() < 0.6 else 0.0
    if noise:
        image = image + rng.normal(0, noise, image.shape)
    image = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    polarity = "dark on light" if ink_is_dark else "light on dark"
    return image, Look(font.family, font.style, height, abs(rotation), polarity, kind, contrast, noise / contrast, blur)


def make_set(fonts, count, seed):
    """`count` images with every class equally often, families (not files) drawn equally often; shuffled."""
    rng = np.random.default_rng(seed)
    by_family = {}
    for font in fonts:
        by_family.setdefault(font.family, []).append(font)
    names = sorted(by_family)
    images = np.empty((count, SIZE, SIZE), np.uint8)
    labels = rng.permutation(np.arange(count) % len(LABELS)).astype(np.uint8)
    looks = []
    for i in range(count):
        styles = by_family[names[rng.integers(len(names))]]
        images[i], look = draw(styles[rng.integers(len(styles))], labels[i], rng)
        looks.append(look)
    return images, labels, looks
