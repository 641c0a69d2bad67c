#!/usr/bin/env python3
"""Lays out the fonts of certificates beyond Latin, Greek and Cyrillic, which git does not hold.

    python3 infra/fonts.py            # into functions/render/layer/fonts, once; then it only checks
    python3 infra/fonts.py --index    # also writes functions/render/fonts/index.txt anew

`sam deploy` makes the folder `functions/render/layer` a layer of the function `render`; the local stack and the tests
read it where it is. The fonts come from packages in pinned versions, of PyPI (infra/tools/fonts.txt) and npm, and
each file must have the hash that stands in the index. Licences are laid beside them. Needs Python 3.11 and npm.

The index says which characters each face has. It is part of the function, so that a text opens only the files
that it needs, and so that a missing file is named.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OWN = ROOT / "functions/render/fonts"
LAYER = ROOT / "functions/render/layer/fonts"
INDEX = OWN / "index.txt"

# The faces in the function itself, which every text has first.
EMBEDDED = ["NotoSerifDisplay-Regular.ttf", "NotoSans-Regular.ttf", "NotoSans-Bold.ttf"]
EXPO = "@expo-google-fonts/"
# Package, file in it, name here. A character is set in the first face that has it: the other letters of Latin,
# Greek and Cyrillic stand first, emoji before symbols, and the East Asian font comes late, since it also has letters of
# other scripts. A serif is taken where there is one: it is the voice of a diploma.
FONTS = [
    ("manimgx-fonts", "manimgx_fonts/NotoSans[wght].ttf", "NotoSans.ttf"),
    ("pylopdf-fonts-ar", "pylopdf_fonts_ar/NotoNaskhArabic-Variable.ttf", "NotoNaskhArabic.ttf"),
    ("pylopdf-fonts-he", "pylopdf_fonts_he/NotoSerifHebrew-Variable.ttf", "NotoSerifHebrew.ttf"),
    ("pylopdf-fonts-hi", "pylopdf_fonts_hi/NotoSerifDevanagari-Variable.ttf", "NotoSerifDevanagari.ttf"),
    ("pylopdf-fonts-th", "pylopdf_fonts_th/NotoSerifThai-Variable.ttf", "NotoSerifThai.ttf"),
    *(
        ("manimgx-fonts", f"manimgx_fonts/NotoSans{name}[wght].ttf", f"NotoSans{name}.ttf")
        for name in (
            "Armenian", "Bengali", "Ethiopic", "Georgian", "Gujarati", "Gurmukhi", "Kannada", "Khmer", "Lao",
            "Malayalam", "Myanmar", "Oriya", "Sinhala", "Tamil", "Telugu",
        )  # fmt: skip
    ),
    (f"{EXPO}noto-serif-tibetan@0.4.2", "400Regular/NotoSerifTibetan_400Regular.ttf", "NotoSerifTibetan.ttf"),
    *(
        (f"{EXPO}{package}", f"400Regular/{name}_400Regular.ttf", f"{name}.ttf")
        for package, name in (
            ("noto-sans-thaana@0.4.2", "NotoSansThaana"),
            ("noto-sans-mongolian@0.4.1", "NotoSansMongolian"),
            ("noto-sans-cherokee@0.4.2", "NotoSansCherokee"),
            ("noto-sans-canadian-aboriginal@0.4.1", "NotoSansCanadianAboriginal"),
            ("noto-sans-tifinagh@0.4.1", "NotoSansTifinagh"),
            ("noto-sans-nko@0.4.1", "NotoSansNKo"),
            ("noto-sans-syriac@0.4.2", "NotoSansSyriac"),
            ("noto-sans-ol-chiki@0.4.2", "NotoSansOlChiki"),
            ("noto-sans-adlam@0.4.1", "NotoSansAdlam"),
            ("noto-sans-javanese@0.4.2", "NotoSansJavanese"),
            ("noto-sans-meetei-mayek@0.4.2", "NotoSansMeeteiMayek"),
            ("noto-sans-yi@0.4.2", "NotoSansYi"),
        )
    ),
    ("twemoji-colr-font@15.0.3", "twemoji.woff2", "Twemoji.ttf"),
    ("noto-cjk-sans-otc", "noto_cjk_sans_otc/NotoSansCJK-Regular.ttc", "NotoSansCJK-Regular.ttc"),
    ("manimgx-fonts", "manimgx_fonts/NotoSansSymbols[wght].ttf", "NotoSansSymbols.ttf"),
    (f"{EXPO}noto-sans-symbols-2@0.4.1", "400Regular/NotoSansSymbols2_400Regular.ttf", "NotoSansSymbols2.ttf"),
    (f"{EXPO}noto-sans-math@0.4.2", "400Regular/NotoSansMath_400Regular.ttf", "NotoSansMath.ttf"),
]
# The faces of the East Asian font that are used, one a region.
REGIONS = {f"Noto Sans CJK {region}" for region in ("JP", "KR", "SC", "TC")}


def packages(environment: Path, folder: Path) -> dict[str, Path]:
    """Where the files of each package are. Those of PyPI are installed; those of npm are packed here."""
    [site] = environment.parent.glob("lib/python3*/site-packages")
    found = {}
    for package in {package for package, *_ in FONTS}:
        name, _, version = package.rpartition("@")
        if not name:
            found[package] = site
            continue
        packed = subprocess.run(
            ["npm", "pack", "--silent", "--json", f"{name}@{version}"],
            cwd=folder, check=True, capture_output=True, text=True,
        )  # fmt: skip
        answer = json.loads(packed.stdout)
        [answer] = answer.values() if isinstance(answer, dict) else answer
        with tarfile.open(folder / answer["filename"]) as archive:
            archive.extractall(folder / package, filter="data")
        found[package] = folder / package / "package"
    return found


def licence(package: str, place: Path) -> Path:
    """The file with the licence of a package's fonts."""
    if not package.rpartition("@")[0]:
        [info] = place.glob(f"{package.replace('-', '_')}-*.dist-info")
        [file] = (info / "licenses").iterdir()
        return file
    named = place / "LICENSE_FONT"
    return named if named.exists() else place / "LICENSE"


def lay_out(environment: Path) -> None:
    """Puts the fonts and their licences into the layer."""
    from fontTools.ttLib import TTFont

    with tempfile.TemporaryDirectory(dir=LAYER.parent) as temporary:
        folder = Path(temporary)
        (folder / "fonts/licences").mkdir(parents=True)
        places = packages(environment, folder)
        for package, file, name in FONTS:
            source = places[package] / file
            if source.suffix == ".woff2":
                font = TTFont(source, recalcTimestamp=False)
                font.flavor = None
                font.save(folder / "fonts" / name)
            else:
                shutil.copyfile(source, folder / "fonts" / name)
            text = licence(package, places[package])
            shutil.copyfile(text, folder / "fonts/licences" / f"{Path(name).stem}.txt")
        shutil.rmtree(LAYER, ignore_errors=True)
        os.replace(folder / "fonts", LAYER)


def faces(path: Path):
    """The faces of a file that are used."""
    from fontTools.ttLib import TTCollection, TTFont

    if path.suffix != ".ttc":
        yield TTFont(path, lazy=True)
        return
    for font in TTCollection(path, lazy=True):
        if font["name"].getBestFamilyName() in REGIONS:
            yield font


def ranges(font) -> str:
    """The characters of a face, as ranges in hexadecimal digits."""
    found: list[list[int]] = []
    for code in sorted(font.getBestCmap()):
        if found and found[-1][1] == code - 1:
            found[-1][1] = code
        else:
            found.append([code, code])
    return ",".join(f"{a:x}" if a == b else f"{a:x}-{b:x}" for a, b in found)


def index() -> str:
    """The index: a line a face, of its file, the file's SHA-256, its family and its characters."""
    lines = []
    for path in [*(OWN / name for name in EMBEDDED), *(LAYER / name for _, _, name in FONTS)]:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        before = None
        for font in faces(path):
            covered = ranges(font)
            # The faces of a collection have the same characters.
            lines.append("\t".join([path.name, digest, font["name"].getBestFamilyName(), "=" if covered == before else covered]))
            before = covered
    return "\n".join(lines) + "\n"


def wrong() -> list[str]:
    """The files that are missing, or are not those of the index."""
    named = dict(line.split("\t")[:2] for line in INDEX.read_text().splitlines())
    paths = {name: (OWN if name in EMBEDDED else LAYER) / name for name in named}
    return [
        name for name, path in paths.items()
        if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != named[name]
    ]  # fmt: skip


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--index", action="store_true", help="write the index anew")
    renewed = arguments.parse_args().index
    if not renewed and not wrong():
        return
    setup = subprocess.run([ROOT / "infra/tools/setup", "fonts"], check=True, capture_output=True, text=True)
    environment = Path(setup.stdout.strip())
    if Path(sys.prefix) != environment.parent:
        os.execv(environment / "python", [environment / "python", __file__, *sys.argv[1:]])
    LAYER.parent.mkdir(exist_ok=True)
    lay_out(environment)
    if renewed:
        INDEX.write_text(index())
    if remain := wrong():
        sys.exit(f"infra/fonts.py: not the files of the index: {', '.join(remain)}")
    size = sum(path.stat().st_size for path in LAYER.rglob("*") if path.is_file())
    print(f"infra/fonts.py: {len(FONTS)} fonts, {size / 1e6:.1f} MB, in {LAYER.relative_to(ROOT)}", file=sys.stderr)


if __name__ == "__main__":
    main()
