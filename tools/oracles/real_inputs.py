"""Inputs of the published models, prepared as each one's own package prepares them."""

import io
import itertools
import math
import pathlib
import re
import string

import numpy as np
from PIL import Image

import pictures

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODELS = ROOT / ".cache/models"
PHOTOGRAPHS = MODELS / "skimage/data"
BILINEAR = Image.Resampling.BILINEAR

# Reactions of the kinds the models were trained on, as precursors>>product.
REACTIONS = [
    "Nc1cccc2cnccc12.O=C(O)c1cc([N+](=O)[O-])c(Sc2c(Cl)cncc2Cl)s1>>"
    "O=C(Nc1cccc2cnccc12)c1cc([N+](=O)[O-])c(Sc2c(Cl)cncc2Cl)s1",
    "CC(C)S.CN(C)C=O.Fc1cccnc1F.O=C([O-])[O-].[K+].[K+]>>CC(C)Sc1ncccc1F",
    "CCO.O=C(O)c1ccccc1.O=S(=O)(O)O>>CCOC(=O)c1ccccc1",
    "CC(=O)Cl.CCN(CC)CC.ClCCl.Nc1ccc(Br)cc1>>CC(=O)Nc1ccc(Br)cc1",
    "C1CCOC1.COC(=O)c1ccc(C#N)cc1.O.[Li+].[OH-]>>N#Cc1ccc(C(=O)O)cc1",
    "CC(C)(C)OC(=O)N1CCNCC1.ClCCl.O=C(O)C(F)(F)F>>C1CNCCN1",
    "CO.O=[N+]([O-])c1ccc(Cl)cc1.[H][H].[Pd]>>Nc1ccc(Cl)cc1",
    "CN(C)C=O.O=Cc1ccc(O)cc1.BrCc1ccccc1.O=C([O-])[O-].[K+].[K+]>>O=Cc1ccc(OCc2ccccc2)cc1",
    "CO.O=C(c1ccccc1)c1ccccc1.[BH4-].[Na+]>>OC(c1ccccc1)c1ccccc1",
    "Brc1ccncc1.C1COCCO1.O.O=C([O-])[O-].OB(O)c1ccccc1.[Na+].[Na+]>>c1ccc(-c2ccncc2)cc1",
]
SMILES = re.compile(r"(%\([0-9]{3}\)|\[[^\]]+]|Br?|Cl?|N|O|S|P|F|I|b|c|n|o|s|p|\||\(|\)|\.|=|#|-|\+|\\|/"
                    r"|:|~|@|\?|>>?|\*|\$|%[0-9]{2}|[0-9])")

# Pairs that mean the same, one after the other.
SENTENCES = [
    "A man is playing a guitar on the street.", "Someone plays guitar outdoors.",
    "The stock market fell sharply on Monday.", "Share prices dropped a lot at the start of the week.",
    "How do I bake sourdough bread at home?", "What is a recipe for making sourdough in my own kitchen?",
    "The cat sleeps on the warm windowsill.", "A kitten is napping by the sunny window.",
]


def vocabulary(path):
    return {token: index for index, token in enumerate((MODELS / path).read_text("utf-8").splitlines())}


def padded(rows):
    """BERT's inputs, as long as the longest row."""
    length = max(map(len, rows))
    ids = np.array([row + [0] * (length - len(row)) for row in rows], "i8")
    present = np.array([[1] * len(row) + [0] * (length - len(row)) for row in rows], "i8")
    return {"input_ids": ids, "attention_mask": present, "token_type_ids": np.zeros_like(ids)}


def framed(words, tokens):
    return [words["[CLS]"], *(words.get(token, words["[UNK]"]) for token in tokens), words["[SEP]"]]


def shuffled_reactions(count):
    """The reactions above, again and again with their precursors in another order."""
    random = np.random.default_rng(0)
    for index in range(count):
        precursors, product = REACTIONS[index % len(REACTIONS)].split(">>")
        molecules = precursors.split(".")
        if index >= len(REACTIONS):
            random.shuffle(molecules)
        yield ".".join(molecules) + ">>" + product


def reactions(path, count):
    words = vocabulary(path)
    return padded([framed(words, SMILES.findall(text)) for text in shuffled_reactions(count)])


def masked_reactions(path, step=4):
    """The reactions with one token masked, every `step`-th in turn; with its place and the id that was there."""
    words, rows, places = vocabulary(path), [], []
    for text in REACTIONS:
        row = framed(words, SMILES.findall(text))
        for place in range(1, len(row) - 1, step):
            rows.append(row[:place] + [words["[MASK]"]] + row[place + 1 :])
            places.append((place, row[place]))
    return padded(rows), np.array(places)


def word_pieces(words, text):
    for word in re.findall(rf"\w+|[{re.escape(string.punctuation)}]", text.lower()):
        start = 0
        while start < len(word):
            ends = range(len(word), start, -1)
            pieces = (("##" if start else "") + word[start:end] for end in ends)
            piece = next((piece for piece in pieces if piece in words), None)
            if piece is None:
                yield "[UNK]"
                break
            yield piece
            start += len(piece.removeprefix("##"))


def sentences(path, count):
    """The sentences above, then pairs of them as one text."""
    texts = SENTENCES + [f"{a} {b}" for a, b in itertools.permutations(SENTENCES, 2)]
    words = vocabulary(path)
    return padded([framed(words, word_pieces(words, text)) for text in texts[:count]])


def photographs(count):
    """Photographs, then parts of them."""
    whole = [Image.open(PHOTOGRAPHS / name).convert("RGB") for name in pictures.PHOTOGRAPHS]
    parts = (part for row in zip(*map(pictures.crops, whole)) for part in row)
    return list(itertools.islice(itertools.chain(whole, parts), count))


def focus(count):
    return {"input_image": np.stack([pictures.letterbox(picture) for picture in photographs(count)])}


def squashed(pictures):
    """Squashed to 256, the middle 224, through JPEG, BGR less the mean, channels last."""
    rows = []
    for picture in pictures:
        file = io.BytesIO()
        picture.resize((256, 256), BILINEAR).crop((16, 16, 240, 240)).save(file, "JPEG")
        rows.append(np.asarray(Image.open(file), "f4")[:, :, ::-1] - np.array([104, 117, 123], "f4"))
    return np.stack(rows)


def not_safe(count):
    return {"input:0": squashed(photographs(count))}


def classified(count):
    """Shortest side 224, the middle, ImageNet mean and standard deviation."""
    rows = []
    for picture in photographs(count):
        ratio = 224 / min(picture.size)
        width, height = (max(224, round(edge * ratio)) for edge in picture.size)
        left, top = (width - 224) // 2, (height - 224) // 2
        picture = picture.resize((width, height), BILINEAR).crop((left, top, left + 224, top + 224))
        values = (np.asarray(picture, "f4") / 255 - pictures.MEAN) / pictures.DEVIATION
        rows.append(values.transpose(2, 0, 1))
    return {"pixel_values": np.stack(rows)}


def signed(picture):
    """BGR between -1 and 1, channels first."""
    return (np.asarray(picture, "f4")[:, :, ::-1].transpose(2, 0, 1) / 255 - 0.5) / 0.5


def page(count, side=320):
    """A printed page and parts of it; the shortest side `side`, both multiples of 32."""
    whole = Image.open(PHOTOGRAPHS / "page.png").convert("RGB")
    width, height = whole.size
    ratio = side / min(width, height)
    size = [round(edge * ratio / 32) * 32 for edge in whole.size]
    # Parts begin ever further down, and are as large as the page less the last of those steps.
    step, extent = height // (4 * count), height - height // 4
    crops = [whole] if count == 1 else [whole.crop((0, step * index, width, step * index + extent))
                                        for index in range(count)]
    return {"x": np.stack([signed(crop.resize(size, BILINEAR)) for crop in crops])}


def lines(count, width=320):
    """Lines of print, 48 high, filled up to `width` on the right."""
    whole = Image.open(PHOTOGRAPHS / "text.png").convert("RGB")
    random, rows = np.random.default_rng(0), []
    for index in range(count):
        left, top = int(random.integers(0, whole.width - 250)), 20 + 30 * (index % 4)
        crop = whole.crop((left, top, left + 120 + 40 * (index % 4), top + 40))
        resized = min(width, math.ceil(48 * crop.width / crop.height))
        values = np.zeros((3, 48, width), "f4")
        values[:, :, :resized] = signed(crop.resize((resized, 48), BILINEAR))
        rows.append(values)
    return {"x": np.stack(rows)}


def angles(count):
    return lines(count, width=192)


def file_bytes(count):
    """The first and last 1,024 bytes of files, without white space around, 256 where there are none."""
    files = [ROOT / "README.md", ROOT / "Package.swift", ROOT / "tools/check", PHOTOGRAPHS / "coffee.png",
             PHOTOGRAPHS / "rocket.jpg", pathlib.Path(__file__), ROOT / ".swift-format", ROOT / "tools/models.txt"]
    rows = []
    for path in files[:count]:
        data = path.read_bytes()
        first, last = data[:4096].lstrip()[:1024], data[-4096:].rstrip()[-1024:]
        filling = [[256] * (1024 - len(part)) for part in (first, last)]
        rows.append([*first, *filling[0], *filling[1], *last])
    return {"bytes": np.array(rows, "i4")}


def speech(seconds):
    """A voice of sorts at 16 kHz: pulses of a falling pitch through four resonances, in syllables, and noise."""
    rate, random = 16000, np.random.default_rng(0)
    time = np.arange(int(seconds * rate)) / rate
    phase = np.cumsum(140 - 25 * time / seconds + 8 * np.sin(2 * np.pi * 5 * time)) / rate
    signal = np.diff(np.floor(phase), prepend=0)
    for frequency, width in ((650, 90), (1100, 110), (2500, 170), (3500, 250)):
        radius, result = np.exp(-np.pi * width / rate), np.zeros_like(signal)
        first, second = 2 * radius * np.cos(2 * np.pi * frequency / rate), -radius**2
        for index in range(len(signal)):
            result[index] = signal[index] + first * result[index - 1] + second * result[index - 2]
        signal = result / np.abs(result).max()
    envelope = np.clip(np.sin(2 * np.pi * 3 * time), 0, None)**0.5
    return (0.5 * signal * envelope + 0.003 * random.standard_normal(len(time))).astype("f4")


def windows(count):
    """Windows of 512 samples, each after the last 64 of the one before."""
    signal = np.concatenate([np.zeros(64, "f4"), speech(1)])
    return np.stack([signal[512 * index : 512 * index + 576] for index in range(count)])
